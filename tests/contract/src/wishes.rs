//! The wishes that the cases are about.

use landfall_core::ids::{ProviderName, Uid};
use landfall_core::model::{DesiredLb, EndpointTarget, FamilyPolicy, Member};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::testing;

/// A lone Service with two nodes.
pub(crate) fn lone(provider: ProviderName) -> DesiredLb {
    named(provider, "web")
}

/// A lone Service of that name with two nodes.
pub(crate) fn named(provider: ProviderName, name: &str) -> DesiredLb {
    testing::lb(provider, name).on(testing::nodes(2))
}

/// A Service of the same name and another uid.
pub(crate) fn made_again(provider: ProviderName) -> DesiredLb {
    let mut desired = lone(provider).with(|mut member| {
        member.uid = Uid::new("uid-second").expect("test uid");
        member
    });
    let first = &desired.members[0];
    desired.id = landfall_core::ids::LbId::service(provider, first.service.clone(), first.uid.clone());
    desired
}

/// A group of Services `a`, `b`, … with TCP ports 80, 81, …, the older ones first, on two nodes.
pub(crate) fn group(provider: ProviderName, names: &[&str]) -> DesiredLb {
    testing::group(provider, "front", names.iter().map(|name| in_group(name)).collect()).on(testing::nodes(2))
}

/// A member of [`group`]; age and port follow from its name, a letter.
pub(crate) fn in_group(name: &str) -> Member {
    let rank = u16::from(name.as_bytes()[0] - b'a');
    testing::member(name).listening(&[(Protocol::Tcp, 80 + rank)]).born(i64::from(rank))
}

/// Both families, this one first, and no less.
pub(crate) fn dual(first: IpFamily) -> impl Fn(Member) -> Member {
    let second = if first == IpFamily::V4 { IpFamily::V6 } else { IpFamily::V4 };
    move |member| member.stack(&[first, second], FamilyPolicy::RequireDualStack)
}

/// A pod as a target.
pub(crate) fn pod(address: &str, port: u16) -> EndpointTarget {
    EndpointTarget { address: address.parse().expect("test address"), port, node: None, zone: None }
}
