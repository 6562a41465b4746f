//! Pods as targets: which endpoints of a Service's `EndpointSlice` objects get traffic on which port.

use std::collections::BTreeSet;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use crate::model::EndpointTarget;
use crate::net::{IpFamily, Protocol};

/// The label that ties a slice to its Service.
pub const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// The port of a Service whose pods are asked for.
#[derive(Debug, Clone, Copy)]
pub struct PortQuery<'a> {
    /// `spec.ports[].name`, empty if it has none.
    pub name: &'a str,
    /// Protocol.
    pub protocol: Protocol,
    /// Families that the load balancer serves.
    pub families: &'a [IpFamily],
}

/// Pods behind one port, sorted, without duplicates.
///
/// Ready endpoints get traffic. If there is no ready one at all, those that are terminating but still serving do,
/// as kube-proxy does it (KEP-1669).
pub fn targets<'a>(
    slices: impl IntoIterator<Item = &'a EndpointSlice>,
    query: PortQuery<'_>,
) -> Vec<EndpointTarget> {
    let (mut ready, mut draining) = (BTreeSet::new(), BTreeSet::new());
    for slice in slices {
        let ports = slice.ports.iter().flatten().filter(|port| {
            port.name.as_deref().unwrap_or_default() == query.name
                && port.protocol.as_deref().unwrap_or("TCP") == query.protocol.as_str()
        });
        for port in ports.filter_map(|port| u16::try_from(port.port?).ok()) {
            for endpoint in &slice.endpoints {
                let readiness = Readiness::of(endpoint);
                let into = match readiness {
                    Readiness::Ready => &mut ready,
                    Readiness::Draining => &mut draining,
                    Readiness::Out => continue,
                };
                into.extend(addresses(endpoint, port, query.families));
            }
        }
    }
    let chosen = if ready.is_empty() { draining } else { ready };
    chosen.into_iter().collect()
}

/// Whether an endpoint takes traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// Terminating, but still answering.
    Draining,
    Out,
}

impl Readiness {
    /// Absent conditions mean ready, serving and not terminating, by the API's documentation.
    fn of(endpoint: &Endpoint) -> Self {
        let conditions = endpoint.conditions.as_ref();
        let ready = conditions.and_then(|c| c.ready).unwrap_or(true);
        let serving = conditions.and_then(|c| c.serving).unwrap_or(ready);
        let terminating = conditions.and_then(|c| c.terminating).unwrap_or(false);
        match (ready, serving && terminating) {
            (true, _) => Self::Ready,
            (false, true) => Self::Draining,
            (false, false) => Self::Out,
        }
    }
}

fn addresses(endpoint: &Endpoint, port: u16, families: &[IpFamily]) -> impl Iterator<Item = EndpointTarget> {
    endpoint
        .addresses
        .iter()
        .filter_map(|text| text.parse().ok())
        .filter(|address| families.contains(&IpFamily::of(address)))
        .map(move |address| EndpointTarget {
            address,
            port,
            node: endpoint.node_name.clone(),
            zone: endpoint.zone.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::discovery::v1::{EndpointConditions, EndpointPort};
    use rstest::rstest;

    fn endpoint(
        address: &str,
        ready: Option<bool>,
        serving: Option<bool>,
        terminating: Option<bool>,
    ) -> Endpoint {
        Endpoint {
            addresses: vec![address.into()],
            conditions: Some(EndpointConditions { ready, serving, terminating }),
            ..Endpoint::default()
        }
    }

    fn slice(name: Option<&str>, port: i32, endpoints: Vec<Endpoint>) -> EndpointSlice {
        EndpointSlice {
            address_type: "IPv4".into(),
            ports: Some(vec![EndpointPort {
                name: name.map(Into::into),
                port: Some(port),
                protocol: Some("TCP".into()),
                ..EndpointPort::default()
            }]),
            endpoints,
            ..EndpointSlice::default()
        }
    }

    fn found(slices: &[EndpointSlice], name: &str) -> Vec<String> {
        let query = PortQuery { name, protocol: Protocol::Tcp, families: &[IpFamily::V4] };
        targets(slices, query).iter().map(|t| format!("{}:{}", t.address, t.port)).collect()
    }

    #[rstest]
    #[case(None, None, None, true)]
    #[case(Some(true), Some(true), Some(false), true)]
    #[case(Some(false), Some(false), Some(false), false)]
    #[case(Some(false), None, Some(true), false)]
    #[case(Some(false), Some(true), Some(false), false)]
    fn conditions(
        #[case] ready: Option<bool>,
        #[case] serving: Option<bool>,
        #[case] terminating: Option<bool>,
        #[case] taken: bool,
    ) {
        let slices = [slice(None, 8080, vec![endpoint("10.1.0.1", ready, serving, terminating)])];
        assert_eq!(!found(&slices, "").is_empty(), taken);
    }

    #[test]
    fn draining_pods_serve_only_when_no_other_does() {
        let draining = endpoint("10.1.0.1", Some(false), Some(true), Some(true));
        let ready = endpoint("10.1.0.2", Some(true), None, None);
        assert_eq!(found(&[slice(None, 80, vec![draining.clone()])], ""), ["10.1.0.1:80"]);
        let both = [slice(None, 80, vec![draining]), slice(None, 80, vec![ready])];
        assert_eq!(found(&both, ""), ["10.1.0.2:80"]);
    }

    #[test]
    fn a_named_port_may_have_another_number_in_every_slice() {
        let slices = [
            slice(Some("http"), 8080, vec![endpoint("10.1.0.1", None, None, None)]),
            slice(Some("http"), 9090, vec![endpoint("10.1.0.2", None, None, None)]),
            slice(Some("other"), 1, vec![endpoint("10.1.0.3", None, None, None)]),
        ];
        assert_eq!(found(&slices, "http"), ["10.1.0.1:8080", "10.1.0.2:9090"]);
    }

    #[test]
    fn other_families_and_bad_addresses_are_left_out() {
        let slices = [slice(
            None,
            80,
            vec![endpoint("2001:db8::1", None, None, None), endpoint("x", None, None, None)],
        )];
        assert!(found(&slices, "").is_empty());
    }
}
