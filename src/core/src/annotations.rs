//! Every annotation key that the provider-neutral half reads or writes, listed once.

use std::collections::BTreeMap;

/// Services of one namespace (or of a class with `sharing: Cluster`) with equal values share a load balancer.
pub const SHARE: &str = "landfall.dev/share";
/// Addresses asked for, comma separated, at most one per family. Works where `spec.loadBalancerIP` cannot: dual stack.
pub const ADDRESSES: &str = "landfall.dev/addresses";
/// `VIP` or `Proxy`: the ipMode to publish with IP addresses (KEP-1860).
pub const IP_MODE: &str = "landfall.dev/ip-mode";
/// `nodes` or `pods`: where a provider that can do both sends traffic.
pub const TARGETS: &str = "landfall.dev/targets";
/// Names of `AddressPool` objects, comma separated, most preferred first.
pub const ADDRESS_POOLS: &str = "landfall.dev/address-pools";
/// An existing load balancer of the provider (AWS: its ARN) to take over instead of making one.
pub const ADOPT: &str = "landfall.dev/adopt";
/// The fingerprint of the printed plan: only with it is an existing load balancer taken over.
pub const ADOPT_CONFIRM: &str = "landfall.dev/adopt-confirm";
/// The upstream fallback for `spec.loadBalancerSourceRanges`, comma separated.
pub const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
/// Written by the controller: the load balancers that serve this Service or still hold something for it, current one
/// first. Written before the first provider call, so nothing is ever forgotten.
pub const LOAD_BALANCER: &str = "landfall.dev/load-balancer";
/// Written by the controller: fingerprint of the `status.loadBalancer` it wrote last, to tell it from another's.
pub const PUBLISHED: &str = "landfall.dev/published";

/// The keys under our own prefix that users may set.
pub const OWN: [&str; 7] = [SHARE, ADDRESSES, IP_MODE, TARGETS, ADDRESS_POOLS, ADOPT, ADOPT_CONFIRM];

/// Keys for what only one provider can do: it knows them, and tells typing errors itself.
pub const GCP_PREFIX: &str = "landfall.dev/gcp-";

/// Our own prefix.
const OWN_PREFIX: &str = "landfall.dev/";

/// Prefixes under which providers read annotations.
const PREFIXES: [&str; 9] = [
    OWN_PREFIX,
    "service.beta.kubernetes.io/",
    "service.kubernetes.io/",
    "networking.gke.io/",
    "cloud.google.com/",
    "alpha.cloud.google.com/",
    "metallb.io/",
    "metallb.universe.tf/",
    "actions.",
];

/// The annotations that a provider may read. Leaves out what the controller writes itself, so that its own
/// writes never look like a change of the wish.
pub fn relevant(annotations: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .flatten()
        .filter(|(key, _)| PREFIXES.iter().any(|prefix| key.starts_with(prefix)))
        .filter(|(key, _)| !is_written_by_us(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Keys under our prefix that mean nothing to us: typing errors, most likely. Those of one provider are left to it.
pub fn unknown_own(annotations: Option<&BTreeMap<String, String>>) -> Vec<&str> {
    annotations
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .filter(|key| key.starts_with(OWN_PREFIX) && !key.starts_with(GCP_PREFIX))
        .filter(|key| !OWN.contains(key) && !is_written_by_us(key))
        .collect()
}

/// The items of a comma separated list, trimmed, empty ones left out.
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn is_written_by_us(key: &str) -> bool {
    key == LOAD_BALANCER || key == PUBLISHED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn only_what_a_provider_may_read_is_kept() {
        let all = map(&[
            ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
            (SHARE, "a"),
            (LOAD_BALANCER, "metal:service/default/web/1"),
            ("metallb.io/address-pool", "p"),
        ]);
        let kept: Vec<_> = relevant(Some(&all)).into_keys().collect();
        assert_eq!(kept, [SHARE, "metallb.io/address-pool"]);
    }

    #[test]
    fn typing_errors_under_our_prefix_are_found() {
        let known =
            [(SHARE, "a"), (ADOPT, "arn"), (ADOPT_CONFIRM, "f"), (PUBLISHED, "x"), ("metallb.io/x", "")];
        let of_a_provider = [("landfall.dev/gcp-backends", "NetworkEndpointGroup")];
        let all = map(&[known.as_slice(), &of_a_provider, &[("landfall.dev/shared", "a")]].concat());
        assert_eq!(unknown_own(Some(&all)), ["landfall.dev/shared"]);
    }
}
