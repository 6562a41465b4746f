//! Who may hold one address together with whom.
//!
//! Two load balancers may hold one address if both carry `metallb.io/allow-shared-ip` with the same key, no port
//! of theirs collides, and the nodes that may take traffic for one may take it for the other: one node answers
//! for the address. These are MetalLB's rules. How far a key reaches is for the class to say (`spec.sharing`): a
//! namespace, unless the class shares across namespaces.

use std::collections::BTreeSet;
use std::fmt;

use landfall_core::model::{Member, TrafficPolicy};
use landfall_core::net::PortKey;

/// What a load balancer brings to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The sharing key; `None` if it shares with nobody.
    pub(crate) key: Option<SharingKey>,
    /// The ports it needs.
    pub(crate) ports: BTreeSet<PortKey>,
    /// Which nodes can serve it.
    pub(crate) backend: Backend,
}

/// With whom a load balancer shares.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SharingKey {
    /// The value of the annotation.
    pub(crate) text: String,
    /// The namespace in which it counts; `None` for the whole cluster.
    pub(crate) namespace: Option<String>,
}

/// Which nodes can serve a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Any node: `externalTrafficPolicy: Cluster`.
    Cluster,
    /// Nodes with a ready pod of this selector: `externalTrafficPolicy: Local`.
    Local(String),
}

impl Backend {
    /// The backend of one Service.
    pub(crate) fn of(member: &Member) -> Self {
        match member.traffic {
            TrafficPolicy::Cluster => Self::Cluster,
            TrafficPolicy::Local { .. } => Self::Local(member.selector.clone()),
        }
    }

    /// Whether every node that can serve one can serve the other. A Local Service without a selector has
    /// hand-made endpoints, of which nothing is known.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cluster, Self::Cluster) => true,
            (Self::Local(one), Self::Local(two)) => one == two && !one.is_empty(),
            _ => false,
        }
    }
}

/// Why two load balancers cannot hold one address together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clash {
    /// One of them does not share, or the keys differ.
    Key,
    /// The keys are equal, but do not reach from one namespace into the other.
    Reach,
    /// Both need this port.
    Port(PortKey),
    /// No node can be trusted to serve both.
    Backend,
}

impl Terms {
    /// What stands in the way of holding an address together; `None` if nothing does.
    pub(crate) fn clash(&self, other: &Self) -> Option<Clash> {
        match (&self.key, &other.key) {
            (Some(one), Some(two)) if one == two => {}
            (Some(one), Some(two)) if one.text == two.text => return Some(Clash::Reach),
            _ => return Some(Clash::Key),
        }
        if let Some(port) = self.ports.intersection(&other.ports).next() {
            return Some(Clash::Port(*port));
        }
        (!self.backend.fits(&other.backend)).then_some(Clash::Backend)
    }
}

impl fmt::Display for SharingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("Cluster"),
            Self::Local(selector) => write!(f, "Local ({selector})"),
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("the two do not carry the same metallb.io/allow-shared-ip key"),
            Self::Reach => f.write_str(
                "the two are in different namespaces, and sharing across namespaces needs classes with spec.sharing: Cluster on both",
            ),
            Self::Port(port) => write!(f, "both need port {port}"),
            Self::Backend => f.write_str(
                "sharing needs externalTrafficPolicy Cluster on both, or Local on both with the same selector",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::net::Protocol;
    use rstest::rstest;

    fn terms(key: &str, port: u16, backend: Backend) -> Terms {
        Terms {
            key: (!key.is_empty()).then(|| SharingKey { text: key.to_owned(), namespace: None }),
            ports: BTreeSet::from([PortKey { port, protocol: Protocol::Tcp }]),
            backend,
        }
    }

    fn local(selector: &str) -> Backend {
        Backend::Local(selector.to_owned())
    }

    #[rstest]
    #[case::other_ports(terms("k", 80, Backend::Cluster), terms("k", 81, Backend::Cluster), None)]
    #[case::same_local(terms("k", 80, local("app=a")), terms("k", 81, local("app=a")), None)]
    #[case::no_key(terms("", 80, Backend::Cluster), terms("", 81, Backend::Cluster), Some(Clash::Key))]
    #[case::one_key(terms("k", 80, Backend::Cluster), terms("", 81, Backend::Cluster), Some(Clash::Key))]
    #[case::two_keys(terms("k", 80, Backend::Cluster), terms("l", 81, Backend::Cluster), Some(Clash::Key))]
    #[case::mixed(terms("k", 80, Backend::Cluster), terms("k", 81, local("app=a")), Some(Clash::Backend))]
    #[case::two_selectors(
        terms("k", 80, local("app=a")),
        terms("k", 81, local("app=b")),
        Some(Clash::Backend)
    )]
    #[case::no_selectors(terms("k", 80, local("")), terms("k", 81, local("")), Some(Clash::Backend))]
    fn who_may_share(#[case] one: Terms, #[case] two: Terms, #[case] clash: Option<Clash>) {
        assert_eq!(one.clash(&two), clash);
        assert_eq!(two.clash(&one), clash);
    }

    #[rstest]
    #[case::one_namespace(Some("a"), Some("a"), None)]
    #[case::two_namespaces(Some("a"), Some("b"), Some(Clash::Reach))]
    #[case::one_of_them_reaches(Some("a"), None, Some(Clash::Reach))]
    #[case::both_reach(None, None, None)]
    fn how_far_a_key_reaches(
        #[case] one: Option<&str>,
        #[case] two: Option<&str>,
        #[case] clash: Option<Clash>,
    ) {
        let within = |namespace: Option<&str>, port| {
            let mut terms = terms("k", port, Backend::Cluster);
            terms.key = terms.key.map(|key| SharingKey { namespace: namespace.map(str::to_owned), ..key });
            terms
        };
        assert_eq!(within(one, 80).clash(&within(two, 81)), clash);
        assert_eq!(within(two, 81).clash(&within(one, 80)), clash);
    }

    #[test]
    fn the_port_that_collides_is_named() {
        let clash = terms("k", 80, Backend::Cluster).clash(&terms("k", 80, Backend::Cluster)).unwrap();
        assert!(clash.to_string().contains("80/TCP"));
    }

    #[test]
    fn one_port_number_may_carry_two_protocols() {
        let mut dns = terms("k", 53, Backend::Cluster);
        dns.ports = BTreeSet::from([PortKey { port: 53, protocol: Protocol::Udp }]);
        assert_eq!(dns.clash(&terms("k", 53, Backend::Cluster)), None);
    }
}
