//! Who asks for an address or holds one: what has to be remembered of a load balancer between two calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use landfall_core::class::Sharing;
use landfall_core::ids::{LbId, ServiceKey};
use landfall_core::model::{Member, MemberRef};
use landfall_core::net::PortKey;

use crate::annotations::MemberWish;
use crate::sharing::{Backend, SharingKey, Terms};

/// A load balancer as the address book knows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Party {
    /// Who.
    pub(crate) id: LbId,
    /// Its Services, also those whose wish is refused at the moment.
    pub(crate) members: Vec<MemberFacts>,
    /// The pools it is bound to; `None` if it takes from any.
    pub(crate) pools: Option<Vec<String>>,
    /// With whom it may hold an address.
    pub(crate) terms: Terms,
    /// Its rank where two want the same: the smaller, the better.
    pub(crate) seniority: Seniority,
}

/// Age of the oldest member, then its name.
pub(crate) type Seniority = (Timestamp, ServiceKey);

/// What pools and sharing rules want to know of one Service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MemberFacts {
    /// Name and uid.
    pub(crate) who: MemberRef,
    /// Labels of the Service.
    pub(crate) labels: BTreeMap<String, String>,
    /// Labels of its namespace.
    pub(crate) namespace_labels: Arc<BTreeMap<String, String>>,
    created: Timestamp,
    ports: BTreeSet<PortKey>,
    backend: Backend,
    share_key: Option<String>,
}

impl MemberFacts {
    /// The facts of one member.
    pub(crate) fn of(member: &Member, wish: &MemberWish) -> Self {
        Self {
            who: member.as_ref(),
            labels: member.labels.clone(),
            namespace_labels: Arc::clone(&member.namespace_labels),
            created: member.created,
            ports: member.ports().collect(),
            backend: Backend::of(member),
            share_key: wish.share_key.as_ref().map(|key| key.value.clone()),
        }
    }
}

impl Party {
    /// A load balancer with these members, of a class with this rule of sharing; `None` without any member.
    pub(crate) fn new(
        id: LbId,
        members: Vec<MemberFacts>,
        pools: Option<Vec<String>>,
        sharing: Sharing,
    ) -> Option<Self> {
        let oldest = members.iter().min_by_key(|member| (member.created, &member.who.service))?;
        let seniority = (oldest.created, oldest.who.service.clone());
        let terms = Terms {
            key: agreed_key(&members, oldest, sharing),
            ports: ports(&members),
            backend: oldest.backend.clone(),
        };
        Some(Self { id, members, pools, terms, seniority })
    }

    /// Adds the ports that its members ask for now to those it is known to need, but for those in `taken`.
    /// Whether that adds any.
    pub(crate) fn need_also(&mut self, members: &[Member], taken: &BTreeSet<PortKey>) -> bool {
        for facts in &mut self.members {
            if let Some(member) = members.iter().find(|member| member.uid == facts.who.uid) {
                facts.ports.extend(member.ports().filter(|port| !taken.contains(port)));
            }
        }
        let before = std::mem::replace(&mut self.terms.ports, ports(&self.members));
        before != self.terms.ports
    }

    /// Whether a Service is a member.
    pub(crate) fn has(&self, who: &MemberRef) -> bool {
        self.members.iter().any(|member| member.who.uid == who.uid)
    }

    /// Whether some member permits to share, but not all with the same key.
    pub(crate) fn sharing_is_void(&self) -> bool {
        self.terms.key.is_none() && self.members.iter().any(|member| member.share_key.is_some())
    }

    /// `namespace/name` of the Service, or of the group and its key.
    pub(crate) fn label(&self) -> String {
        label(&self.id)
    }
}

/// The key of a load balancer: it shares only if every member carries the same one, since a permission of one does
/// not bind the others.
fn agreed_key(members: &[MemberFacts], oldest: &MemberFacts, sharing: Sharing) -> Option<SharingKey> {
    let text = oldest.share_key.clone()?;
    let namespace = match sharing {
        Sharing::None => return None,
        Sharing::Namespace => Some(oldest.who.service.namespace.clone()),
        Sharing::Cluster => None,
    };
    let agrees = |member: &MemberFacts| {
        member.share_key == oldest.share_key
            && namespace.as_ref().is_none_or(|namespace| *namespace == member.who.service.namespace)
    };
    members.iter().all(agrees).then_some(SharingKey { text, namespace })
}

fn ports(members: &[MemberFacts]) -> BTreeSet<PortKey> {
    members.iter().flat_map(|member| member.ports.iter().copied()).collect()
}

/// `namespace/name` for messages.
pub(crate) fn label(id: &LbId) -> String {
    let (namespace, name) = id.label();
    format!("{namespace}/{name}")
}
