//! Every annotation key of GCP load balancers, once, with what is done with it.
//!
//! Those below `networking.gke.io/` and `cloud.google.com/` are the keys that Google's controllers read (ingress-gce,
//! cloud-provider-gcp), those below `landfall.dev/gcp-` are for what they cannot do. `docs/gcp-annotations.md` has the
//! table for users: accepted values, defaults, and why some are refused.

/// What is done with an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is read.
    Read,
    /// It has no effect, and that is told, with this reason.
    Ignored(&'static str),
    /// The Service is refused, for this reason.
    Refused(&'static str),
}

/// A key and its use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The whole key.
    pub(crate) name: &'static str,
    /// What is done with it.
    pub(crate) used: Use,
}

/// Declares a constant per key that is read, and the list of all keys.
macro_rules! keys {
    (
        read { $($(#[$doc:meta])* $name:ident = $key:literal;)* }
        not_read { $($other:literal $used:expr;)* }
    ) => {
        $($(#[$doc])* pub(crate) const $name: &str = $key;)*

        /// All of them.
        pub(crate) const ALL: &[Key] = &[
            $(Key { name: $name, used: Use::Read },)*
            $(Key { name: $other, used: $used },)*
        ];
    };
}

keys! {
    read {
        /// `Internal` or `External`.
        TYPE = "networking.gke.io/load-balancer-type";
        /// The former name of it, which counts where the other is absent.
        FORMER_TYPE = "cloud.google.com/load-balancer-type";
        /// Names of reserved addresses.
        ADDRESS_NAMES = "networking.gke.io/load-balancer-ip-addresses";
        /// `Premium` or `Standard`.
        TIER = "cloud.google.com/network-tier";
        /// Clients of other regions.
        GLOBAL_ACCESS = "networking.gke.io/internal-load-balancer-allow-global-access";
        /// Subnet of internal addresses.
        INTERNAL_SUBNET = "networking.gke.io/internal-load-balancer-subnet";
        /// Subnet of internal and IPv6 addresses; goes before the other.
        SUBNET = "networking.gke.io/load-balancer-subnet";
        /// Where a bring-your-own IPv6 address comes from.
        IP_COLLECTION = "networking.gke.io/ip-collection-v6";
        /// Connections by the number of pods.
        WEIGHTED = "networking.gke.io/weighted-load-balancing";
        /// Strong session affinity.
        STRONG_AFFINITY = "networking.gke.io/l4-strong-session-affinity";

        /// What groups the nodes.
        BACKENDS = "landfall.dev/gcp-backends";
        /// Labels of what is made.
        LABELS = "landfall.dev/gcp-labels";
        /// What keeps a client on a node.
        AFFINITY = "landfall.dev/gcp-session-affinity";
        /// Whether connections stay on a node that became unhealthy.
        PERSISTENCE = "landfall.dev/gcp-connection-persistence";
        /// How long connections to a removed node live on.
        DRAINING = "landfall.dev/gcp-connection-draining-seconds";
        /// Whether clients are kept in their zone.
        ZONAL_AFFINITY = "landfall.dev/gcp-zonal-affinity";
        /// Which share of connections is logged.
        LOGGING = "landfall.dev/gcp-logging-sample-percent";
        /// Whether we make firewall rules.
        MANAGE_FIREWALL = "landfall.dev/gcp-manage-firewall";
        /// Network tags of the nodes.
        TARGET_TAGS = "landfall.dev/gcp-target-tags";
        /// Service accounts of the nodes.
        TARGET_ACCOUNTS = "landfall.dev/gcp-target-service-accounts";
        /// Protocol of the health check.
        HEALTH_PROTOCOL = "landfall.dev/gcp-health-check-protocol";
        /// Port of the health check.
        HEALTH_PORT = "landfall.dev/gcp-health-check-port";
        /// Path of the health check.
        HEALTH_PATH = "landfall.dev/gcp-health-check-path";
        /// Seconds between two checks.
        HEALTH_INTERVAL = "landfall.dev/gcp-health-check-interval-seconds";
        /// Seconds until a check has failed.
        HEALTH_TIMEOUT = "landfall.dev/gcp-health-check-timeout-seconds";
        /// Successes in a row that make a node healthy.
        HEALTHY = "landfall.dev/gcp-health-check-healthy-threshold";
        /// Failures in a row that make a node unhealthy.
        UNHEALTHY = "landfall.dev/gcp-health-check-unhealthy-threshold";
    }
    not_read {
        "cloud.google.com/l4-rbs" Use::Ignored("it chooses among Google's controllers");
        "networking.gke.io/l4lb-config" Use::Ignored(
            "L4LBConfig objects are not read; use landfall.dev/gcp-logging-sample-percent, or spec.gcp.logging of the class"
        );
        "cloud.google.com/load-balancer-backend-share" Use::Ignored("each Service has a backend service of its own");
        "alpha.cloud.google.com/load-balancer-backend-share" Use::Ignored("each Service has a backend service of its own");
        "networking.gke.io/custom-forwarding-rule" Use::Refused(
            "forwarding rules of yours are not used, as Landfall makes them; use a reserved address instead, by \
             networking.gke.io/load-balancer-ip-addresses, and remove the annotation"
        );
    }
}

/// The part of a key after its prefix.
pub(crate) fn short(key: &str) -> &str {
    key.strip_prefix(OWN_PREFIX).unwrap_or_else(|| key.split_once('/').map_or(key, |(_, name)| name))
}

/// What all keys of our own begin with.
pub(crate) const OWN_PREFIX: &str = landfall_core::annotations::GCP_PREFIX;

/// The prefixes of Google's controllers. Keys of many other controllers begin with them too.
pub(crate) const GOOGLE_PREFIXES: [&str; 3] =
    ["networking.gke.io/", "cloud.google.com/", "alpha.cloud.google.com/"];

/// The key that an unknown one most likely means, and how many characters they are apart. One that it is the beginning of
/// goes first.
pub(crate) fn nearest(unknown: &str) -> Option<(&'static str, usize)> {
    let rank = |(name, apart): &(&str, usize)| {
        (!short(name).starts_with(short(unknown)), *apart, prefix(name) != prefix(unknown))
    };
    ALL.iter().map(|key| (key.name, distance(short(unknown), short(key.name)))).min_by_key(rank)
}

fn prefix(key: &str) -> &str {
    key.strip_suffix(short(key)).unwrap_or(key)
}

/// How many characters have to be put in, left out or replaced to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, a) in from.bytes().enumerate() {
        let mut above_left = done;
        let mut left = done + 1;
        let mut next = vec![left];
        for (b, &above) in to.bytes().zip(row.iter().skip(1)) {
            left = (above_left + usize::from(a != b)).min(above + 1).min(left + 1);
            above_left = above;
            next.push(left);
        }
        row = next;
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
        let table = include_str!("../../../../docs/gcp-annotations.md");
        let names: BTreeSet<&str> = ALL.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            let row = format!("| `{name}`");
            assert!(table.contains(&row), "{name} has no row in the table");
        }
    }

    #[rstest]
    #[case("", "", 0)]
    #[case("abc", "", 3)]
    #[case("tier", "teir", 2)]
    #[case("load-balancer", "loadbalancer", 1)]
    #[case("flaw", "lawn", 2)]
    fn distances(#[case] from: &str, #[case] to: &str, #[case] want: usize) {
        assert_eq!(distance(from, to), want);
        assert_eq!(distance(to, from), want);
    }

    #[rstest]
    #[case("cloud.google.com/network-teir", TIER)]
    #[case("networking.gke.io/load-balancer-typ", TYPE)]
    #[case("cloud.google.com/load-balancer-typ", FORMER_TYPE)]
    #[case("cloud.google.com/load-balancer-ip-addresses", ADDRESS_NAMES)]
    #[case("landfall.dev/gcp-backend", BACKENDS)]
    #[case("landfall.dev/gcp-health-check-interval", HEALTH_INTERVAL)]
    fn the_nearest_key_is_found(#[case] typed: &str, #[case] want: &str) {
        assert_eq!(nearest(typed).map(|(name, _)| name), Some(want));
    }
}
