//! The kubeconfig of a `kube-apiserver` that a test started.

/// The text of a kubeconfig with one context whose user signs in with `token`.
///
/// The server has a certificate that it signed itself; on the loopback address it is not checked.
pub(super) fn text(server: &str, token: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: landfall\n\
         clusters:\n\
         - name: landfall\n  cluster:\n    server: {server}\n    insecure-skip-tls-verify: true\n\
         users:\n\
         - name: landfall\n  user:\n    token: {token}\n\
         contexts:\n\
         - name: landfall\n  context:\n    cluster: landfall\n    user: landfall\n    namespace: default\n"
    )
}

#[cfg(test)]
mod tests {
    use kube::config::Kubeconfig;

    use super::*;

    #[test]
    fn it_is_one() {
        let parsed = Kubeconfig::from_yaml(&text("https://127.0.0.1:6443", "secret")).expect("a kubeconfig");
        let cluster = parsed.clusters[0].cluster.as_ref().expect("a cluster");
        assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:6443"));
        assert_eq!(cluster.insecure_skip_tls_verify, Some(true));
        assert_eq!(parsed.current_context.as_deref(), Some("landfall"));
        assert!(parsed.auth_infos[0].auth_info.as_ref().is_some_and(|user| user.token.is_some()));
    }
}
