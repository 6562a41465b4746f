//! Ways from one wish to another, for cases that disturb them.

use landfall_core::model::{DesiredLb, IpMode};
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::provider::Provider;
use landfall_core::testing;

use crate::wishes;

/// From a wish that is served, or nothing, to another, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) from: Option<DesiredLb>,
    pub(crate) to: Option<DesiredLb>,
    /// Whether an address must go on being shown, from the moment on in which it is.
    pub(crate) keeps_address: bool,
}

impl Transition {
    pub(crate) fn creating(provider: &dyn Provider) -> Self {
        Self { from: None, to: Some(wishes::lone(provider.name())), keeps_address: true }
    }

    pub(crate) fn changing_ports(provider: &dyn Provider) -> Self {
        let from =
            wishes::lone(provider.name()).with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
        let to =
            from.clone().with(|m| m.listening(&[(Protocol::Tcp, 81), (Protocol::Tcp, 82)]).local(31_000));
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    pub(crate) fn changing_targets(provider: &dyn Provider) -> Self {
        let from = wishes::lone(provider.name());
        let mut nodes = (*testing::nodes(4)).clone();
        nodes.eligible.remove(0);
        let to = from.clone().on(nodes.into());
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    /// To both families where the provider can, else from one family to the other.
    pub(crate) fn adding_a_family(provider: &dyn Provider) -> Self {
        let from = wishes::lone(provider.name());
        if provider.capabilities().dual_stack {
            let to = from.clone().with(wishes::dual(IpFamily::V4));
            return Self { from: Some(from), to: Some(to), keeps_address: true };
        }
        let to =
            from.clone().with(|m| m.stack(&[IpFamily::V6], landfall_core::model::FamilyPolicy::SingleStack));
        Self { from: Some(from), to: Some(to), keeps_address: false }
    }

    /// To another ip mode, which some providers can only do with another balancer.
    pub(crate) fn replacing(provider: &dyn Provider) -> Self {
        let from = wishes::lone(provider.name());
        let to = from.clone().with(|mut m| {
            m.ip_mode = Some(IpMode::Proxy);
            m
        });
        Self { from: Some(from), to: Some(to), keeps_address: false }
    }

    /// One member stays, one goes, one comes; a lone Service changes its ports where members cannot share.
    pub(crate) fn changing_members(provider: &dyn Provider) -> Self {
        if !provider.capabilities().sharing {
            return Self::changing_ports(provider);
        }
        let from = wishes::group(provider.name(), &["a", "b"]);
        let to = wishes::group(provider.name(), &["b", "c"]);
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    pub(crate) fn releasing(provider: &dyn Provider) -> Self {
        let from =
            wishes::lone(provider.name()).with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
        Self { from: Some(from), to: None, keeps_address: false }
    }
}
