//! Resource paths: `/api/VERSION/…` and `/apis/GROUP/VERSION/…`.

use percent_encoding::percent_decode_str;

/// A path that names a resource. Fields a path leaves out are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl ResourcePath {
    /// `None` when the path does not have the form of a resource path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8().map(String::from).ok();
        let segments: Vec<String> = path.trim_matches('/').split('/').map(decode).collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", version, rest),
            ["apis", group, version, rest @ ..] => (*group, version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            // `status` and `finalize` are subresources of the namespace, not kinds inside it.
            ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, inside @ ..] if !inside.is_empty() => (*namespace, inside),
            _ => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, "", ""),
            [plural, name] => (plural, *name, ""),
            [plural, name, subresource] => (plural, *name, *subresource),
            _ => return None,
        };
        Some(Self {
            group: group.into(),
            version: (*version).into(),
            plural: (*plural).into(),
            namespace: namespace.into(),
            name: name.into(),
            subresource: subresource.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/api/v1/services", ["", "v1", "services", "", "", ""])]
    #[case("/api/v1/namespaces/ns/services", ["", "v1", "services", "ns", "", ""])]
    #[case("/api/v1/namespaces/ns/services/web/status", ["", "v1", "services", "ns", "web", "status"])]
    #[case("/api/v1/namespaces/ns", ["", "v1", "namespaces", "", "ns", ""])]
    #[case("/api/v1/namespaces/ns/status", ["", "v1", "namespaces", "", "ns", "status"])]
    #[case("/api/v1/nodes/a/", ["", "v1", "nodes", "", "a", ""])]
    #[case("/apis/x.io/v1/ws", ["x.io", "v1", "ws", "", "", ""])]
    #[case("/apis/x.io/v1/namespaces/ns/ws/a", ["x.io", "v1", "ws", "ns", "a", ""])]
    #[case("/apis/r/v1/clusterroles/system%3Aadmin", ["r", "v1", "clusterroles", "", "system:admin", ""])]
    fn parses(#[case] path: &str, #[case] expected: [&str; 6]) {
        let p = ResourcePath::parse(path).unwrap();
        assert_eq!([&p.group, &p.version, &p.plural, &p.namespace, &p.name, &p.subresource], expected);
    }

    #[rstest]
    #[case("/")]
    #[case("/api")]
    #[case("/api/v1")]
    #[case("/apis/x.io/v1")]
    #[case("/version")]
    #[case("/api/v1/namespaces/ns/services/a/b/c")]
    fn other_paths_are_not_resources(#[case] path: &str) {
        assert_eq!(ResourcePath::parse(path), None);
    }
}
