//! What to try while the demo stays up.

use std::net::SocketAddr;
use std::path::Path;

/// The text below the table.
pub(crate) fn hints(kubeconfig: &Path, log: &Path, admin: SocketAddr) -> String {
    let kubeconfig = kubeconfig.display();
    let log = log.display();
    format!(
        "\
In another terminal, in the folder of the repository:

  export KUBECONFIG='{kubeconfig}'
  kubectl get services --all-namespaces --watch
  kubectl describe service outside -n shop                        # why it is pending
  kubectl annotate service outside -n shop --overwrite landfall.dev/addresses=192.0.2.30
  kubectl create -f tests/testkit/demo/extra.yaml
  kubectl delete service web -n shop                              # its address is free again
  kubectl get addresspools
  kubectl get events --all-namespaces
  curl http://{admin}/metrics

Controller log: {log}
Ctrl-C ends everything. Changes appear below."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests;

    fn text() -> String {
        let admin = ([127, 0, 0, 1], 9_000).into();
        hints(Path::new("/d/kubeconfig"), Path::new("/d/controller.log"), admin)
    }

    #[test]
    fn every_file_that_is_named_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = text();
        let files: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with("tests/")).collect();
        assert_eq!(files.len(), 1);
        assert!(root.join(files[0]).is_file(), "{files:?}");
    }

    #[test]
    fn every_service_that_is_named_is_one_of_the_demo() {
        let services: Vec<_> = manifests::services()
            .unwrap()
            .iter()
            .map(|planned| crate::events::key_of(&planned.service))
            .collect();
        let text = text();
        let words: Vec<&str> = text.split_whitespace().collect();
        let named: Vec<_> = words
            .windows(4)
            .filter(|window| window[0] == "service")
            .map(|window| (window[3].to_owned(), window[1].to_owned()))
            .collect();
        assert_eq!(named.len(), 3);
        assert!(named.iter().all(|key| services.contains(key)), "{named:?}");
    }
}
