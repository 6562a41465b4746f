//! Ways from one wish to another, for cases that disturb them.

use landfall_core::model::DesiredLb;
use landfall_core::net::{IpFamily, Protocol};
use landfall_core::testing;

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// From a wish that is served, or nothing, to another, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) from: Option<DesiredLb>,
    pub(crate) to: Option<DesiredLb>,
    /// Whether an address must go on being shown, from the moment on in which it is.
    pub(crate) keeps_address: bool,
}

impl Transition {
    pub(crate) fn creating<W: World>(stage: &Stage<W>) -> Self {
        Self { from: None, to: Some(wishes::lone(stage.provider.name())), keeps_address: true }
    }

    pub(crate) fn changing_ports<W: World>(stage: &Stage<W>) -> Self {
        let from = wishes::lone(stage.provider.name())
            .with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
        let to =
            from.clone().with(|m| m.listening(&[(Protocol::Tcp, 81), (Protocol::Tcp, 82)]).local(31_000));
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    pub(crate) fn changing_targets<W: World>(stage: &Stage<W>) -> Self {
        let from = wishes::lone(stage.provider.name());
        let mut nodes = (*testing::nodes(4)).clone();
        nodes.eligible.remove(0);
        let to = from.clone().on(nodes.into());
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    /// To both families where the provider can, else from one family to the other.
    pub(crate) fn adding_a_family<W: World>(stage: &Stage<W>) -> Self {
        let from = wishes::lone(stage.provider.name());
        if stage.provider.capabilities().dual_stack {
            let to = from.clone().with(wishes::dual(IpFamily::V4));
            return Self { from: Some(from), to: Some(to), keeps_address: true };
        }
        let to =
            from.clone().with(|m| m.stack(&[IpFamily::V6], landfall_core::model::FamilyPolicy::SingleStack));
        Self { from: Some(from), to: Some(to), keeps_address: false }
    }

    /// To what some providers can only do with another balancer.
    pub(crate) fn replacing<W: World>(stage: &Stage<W>) -> Self {
        let from = wishes::lone(stage.provider.name());
        let to = from.clone().with(|member| stage.world.replacing(member));
        Self { from: Some(from), to: Some(to), keeps_address: false }
    }

    /// One member stays, one goes, one comes; a lone Service changes its ports where members cannot share.
    pub(crate) fn changing_members<W: World>(stage: &Stage<W>) -> Self {
        if !stage.provider.capabilities().sharing {
            return Self::changing_ports(stage);
        }
        let from = wishes::group(stage.provider.name(), &["a", "b"]);
        let to = wishes::group(stage.provider.name(), &["b", "c"]);
        Self { from: Some(from), to: Some(to), keeps_address: true }
    }

    pub(crate) fn releasing<W: World>(stage: &Stage<W>) -> Self {
        let from = wishes::lone(stage.provider.name())
            .with(|m| m.listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]));
        Self { from: Some(from), to: None, keeps_address: false }
    }
}
