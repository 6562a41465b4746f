//! Every annotation key of AWS load balancers, once, with what it is for and what we do with it.
//!
//! The keys are those that the AWS Load Balancer Controller and cloud-provider-aws read. `docs/aws-annotations.md` has
//! the table for users: accepted values, defaults, and why some are refused.

/// What all keys begin with.
pub(crate) const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// What is done with an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// About the load balancer as a whole: the oldest member of a group that says something decides.
    Balancer,
    /// About the ports of the Service that carries it.
    Member,
    /// A classic load balancer would read it. It has no effect, and that is told.
    Classic,
}

/// A key and its use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The whole key, prefix included.
    pub(crate) name: &'static str,
    /// What is done with it.
    pub(crate) used: Use,
}

/// Declares a constant per key and the list of all.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $suffix:literal, $used:ident;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = concat!("service.beta.kubernetes.io/aws-load-balancer-", $suffix);)*

        /// All of them.
        pub(crate) const ALL: &[Key] = &[$(Key { name: $name, used: Use::$used }),*];
    };
}

keys! {
    /// Which controller serves the Service. The class decides that here; the values that mean a Network Load Balancer fit.
    TYPE = "type", Member;
    /// `instance` or `ip`.
    TARGET_TYPE = "nlb-target-type", Member;
    /// Name of the load balancer.
    NAME = "name", Balancer;
    /// Target groups shared with other clusters. Only `false`.
    MULTI_CLUSTER = "multi-cluster-target-group", Member;

    /// `internal` or `internet-facing`.
    SCHEME = "scheme", Balancer;
    /// The scheme as a boolean.
    INTERNAL = "internal", Balancer;
    /// `ipv4` or `dualstack`.
    ADDRESS_TYPE = "ip-address-type", Balancer;
    /// Subnet ids or `Name` tags.
    SUBNETS = "subnets", Balancer;
    /// Elastic IP allocations.
    ALLOCATIONS = "eip-allocations", Balancer;
    /// Fixed private addresses.
    PRIVATE_IPV4 = "private-ipv4-addresses", Balancer;
    /// Fixed IPv6 addresses.
    IPV6 = "ipv6-addresses", Balancer;
    /// Source NAT for UDP over IPv6.
    SOURCE_NAT = "enable-prefix-for-ipv6-source-nat", Balancer;
    /// Prefixes for source NAT.
    SOURCE_NAT_PREFIXES = "source-nat-ipv6-prefixes", Balancer;

    /// Certificates.
    CERTIFICATES = "ssl-cert", Member;
    /// Which ports are TLS.
    TLS_PORTS = "ssl-ports", Member;
    /// Security policy of TLS listeners.
    TLS_POLICY = "ssl-negotiation-policy", Member;
    /// TLS to the targets.
    BACKEND_PROTOCOL = "backend-protocol", Member;
    /// ALPN policy of TLS listeners.
    ALPN = "alpn-policy", Member;
    /// TCP and UDP of one number as one listener.
    TCP_UDP = "enable-tcp-udp-listener", Member;
    /// QUIC. Only empty.
    QUIC_PORTS = "quic-enabled-ports", Member;

    /// Attributes of the member's target groups.
    GROUP_ATTRIBUTES = "target-group-attributes", Member;
    /// Proxy protocol on all ports.
    PROXY_PROTOCOL = "proxy-protocol", Member;
    /// Proxy protocol on some ports.
    PROXY_PROTOCOL_PORTS = "proxy-protocol-per-target-group", Member;
    /// Labels of the nodes that are targets.
    NODE_LABELS = "target-node-labels", Member;
    /// `tcp`, `http` or `https`.
    HEALTH_PROTOCOL = "healthcheck-protocol", Member;
    /// Where targets are asked.
    HEALTH_PORT = "healthcheck-port", Member;
    /// Path asked for.
    HEALTH_PATH = "healthcheck-path", Member;
    /// Seconds between checks.
    HEALTH_INTERVAL = "healthcheck-interval", Member;
    /// Seconds until a check has failed.
    HEALTH_TIMEOUT = "healthcheck-timeout", Member;
    /// Successes in a row.
    HEALTHY = "healthcheck-healthy-threshold", Member;
    /// Failures in a row.
    UNHEALTHY = "healthcheck-unhealthy-threshold", Member;
    /// Status codes that mean healthy.
    HEALTH_CODES = "healthcheck-success-codes", Member;

    /// Attributes of the load balancer.
    ATTRIBUTES = "attributes", Balancer;
    /// Access logs on or off.
    LOGS = "access-log-enabled", Balancer;
    /// Bucket of the access logs.
    LOGS_BUCKET = "access-log-s3-bucket-name", Balancer;
    /// Prefix in the bucket.
    LOGS_PREFIX = "access-log-s3-bucket-prefix", Balancer;
    /// Cross-zone on or off.
    CROSS_ZONE = "cross-zone-load-balancing-enabled", Balancer;
    /// Capacity reserved.
    CAPACITY = "minimum-load-balancer-capacity", Balancer;

    /// Managed prefix lists that may connect.
    PREFIX_LISTS = "security-group-prefix-lists", Member;
    /// Security groups of the user.
    SECURITY_GROUPS = "security-groups", Balancer;
    /// Whether the nodes are opened to the load balancer.
    BACKEND_RULES = "manage-backend-security-group-rules", Balancer;
    /// Inbound rules for `PrivateLink` traffic.
    PRIVATE_LINK_RULES = "inbound-sg-rules-on-private-link-traffic", Balancer;
    /// ICMP for path MTU discovery.
    PATH_MTU = "enable-icmp-for-path-mtu-discovery", Member;
    /// No security groups at all.
    NO_SECURITY_GROUPS = "disable-nlb-sg", Balancer;

    /// Tags.
    TAGS = "additional-resource-tags", Balancer;

    /// Minutes between access logs.
    LOGS_INTERVAL = "access-log-emit-interval", Classic;
    /// Connection draining.
    DRAINING = "connection-draining-enabled", Classic;
    /// Seconds of connection draining.
    DRAINING_TIMEOUT = "connection-draining-timeout", Classic;
    /// Seconds of idle connections.
    IDLE_TIMEOUT = "connection-idle-timeout", Classic;
    /// Security groups besides.
    EXTRA_SECURITY_GROUPS = "extra-security-groups", Classic;
}

/// Attributes of a listener: this and `{protocol}-{port}`, e.g. `TCP-80`.
pub(crate) const LISTENER_ATTRIBUTES: &str =
    "service.beta.kubernetes.io/aws-load-balancer-listener-attributes.";
/// Attributes of one port's target group: this and the port's number.
pub(crate) const PORT_GROUP_ATTRIBUTES: &str =
    "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes.";
/// Weighted forwarding to several target groups: this and `{protocol}-{port}`. Refused.
pub(crate) const ACTIONS: [&str; 2] = ["service.beta.kubernetes.io/actions.", "actions."];

/// A key as a user would ask for it in a message: without the long prefix.
pub(crate) fn short(key: &str) -> &str {
    key.strip_prefix("service.beta.kubernetes.io/").unwrap_or(key)
}

/// The key that an unknown one most likely means.
pub(crate) fn nearest(unknown: &str) -> &'static str {
    let unknown = unknown.strip_prefix(PREFIX).unwrap_or(unknown);
    let distance = |key: &&Key| edits(unknown, key.name.strip_prefix(PREFIX).unwrap_or(key.name));
    ALL.iter().min_by_key(distance).map_or(PREFIX, |key| key.name)
}

/// How many characters must be put in, taken out or replaced to make one text of the other (Levenshtein's distance).
pub(crate) fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[test]
    fn every_key_occurs_once_and_in_the_table_for_users() {
        let table = include_str!("../../../../docs/aws-annotations.md");
        let names: BTreeSet<&str> = ALL.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), ALL.len());
        let patterns = [LISTENER_ATTRIBUTES, PORT_GROUP_ATTRIBUTES, ACTIONS[0]];
        for name in names.into_iter().chain(patterns) {
            let shown = name.strip_prefix(PREFIX).map_or(short(name).to_owned(), |rest| format!("…-{rest}"));
            let marks = ["`", "{"].map(|end| format!("`{shown}{end}"));
            assert!(marks.iter().any(|mark| table.contains(mark)), "{shown} is not in the table");
        }
    }

    #[rstest]
    #[case("", "", 0)]
    #[case("abc", "", 3)]
    #[case("", "abc", 3)]
    #[case("scheme", "schema", 1)]
    #[case("kitten", "sitting", 3)]
    fn distances(#[case] from: &str, #[case] to: &str, #[case] want: usize) {
        assert_eq!(edits(from, to), want);
        assert_eq!(edits(to, from), want);
    }

    #[rstest]
    #[case("schema", SCHEME)]
    #[case("target-type", TARGET_TYPE)]
    #[case("healthcheck-intervall", HEALTH_INTERVAL)]
    #[case("ssl-certs", CERTIFICATES)]
    fn the_nearest_key_is_found(#[case] typed: &str, #[case] want: &str) {
        assert_eq!(nearest(&format!("{PREFIX}{typed}")), want);
    }
}
