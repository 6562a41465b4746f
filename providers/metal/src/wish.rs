//! What a load balancer asks for, its members taken together.
//!
//! Where members of a group contradict each other, the oldest is right and the younger one is refused with the
//! name of the older. So a new Service cannot break a running one by joining it.

use std::net::IpAddr;

use landfall_core::annotations::IP_MODE;
use landfall_core::class::Sharing;
use landfall_core::error::Category;
use landfall_core::ids::ServiceKey;
use landfall_core::model::{DesiredLb, FamilyPolicy, IpMode, Member};
use landfall_core::net::IpFamily;
use landfall_core::refusal::{Refusal, categories};

use crate::annotations::{self, MemberWish, Sourced};
use crate::error::categories as own;
use crate::family::{AddressPair, ByFamily};
use crate::party::MemberFacts;
use crate::sharing::Backend;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    /// The families it may have, in the order in which addresses are published.
    pub(crate) families: Vec<IpFamily>,
    /// The families it cannot do without: that of every single-stack member, both for `RequireDualStack`.
    pub(crate) required: ByFamily<bool>,
    /// Particular addresses it asks for.
    pub(crate) requested: AddressPair,
    /// Addresses that the statuses of its members show.
    pub(crate) published: ByFamily<Vec<IpAddr>>,
    /// What to publish as ipMode.
    pub(crate) mode: IpMode,
    /// The pools it is bound to: by annotation, else by its class; `None` for every pool with `autoAssign`.
    pub(crate) pools: Option<Vec<String>>,
    /// Its members.
    pub(crate) members: Vec<MemberFacts>,
}

impl Wish {
    /// Reads the wish of all members; every reason at once if it cannot be served.
    pub(crate) fn read(desired: &DesiredLb) -> Result<Self, Vec<Refusal>> {
        let mut reader = Reader::new(desired);
        reader.read_class();
        for member in &desired.members {
            reader.read(member);
        }
        if !reader.refusals.is_empty() {
            return Err(reader.refusals);
        }
        let class_pools = desired.params.metal().address_pools;
        let pools = reader.pools.map(|agreed| agreed.value);
        let mut published = ByFamily::<Vec<IpAddr>>::default();
        for address in desired.published() {
            published.get_mut(IpFamily::of(&address)).push(address);
        }
        let requested = |family| reader.requested.get(family).as_ref().map(|agreed| agreed.value);
        let mut pair = AddressPair::default();
        for family in IpFamily::BOTH {
            *pair.get_mut(family) = requested(family);
        }
        Ok(Self {
            families: reader.families,
            required: reader.required,
            requested: pair,
            published,
            mode: reader.mode.map_or(IpMode::Vip, |agreed| agreed.value),
            pools: pools.or_else(|| (!class_pools.is_empty()).then_some(class_pools)),
            members: reader.members,
        })
    }
}

/// A value and who brought it in.
#[derive(Debug)]
struct Agreed<T> {
    value: T,
    by: ServiceKey,
}

/// Collects member after member, the oldest first.
#[derive(Debug)]
struct Reader<'a> {
    desired: &'a DesiredLb,
    families: Vec<IpFamily>,
    required: ByFamily<bool>,
    requested: ByFamily<Option<Agreed<IpAddr>>>,
    pools: Option<Agreed<Vec<String>>>,
    share_key: Option<Agreed<String>>,
    mode: Option<Agreed<IpMode>>,
    backend: Option<Agreed<Backend>>,
    members: Vec<MemberFacts>,
    refusals: Vec<Refusal>,
}

impl<'a> Reader<'a> {
    fn new(desired: &'a DesiredLb) -> Self {
        Self {
            desired,
            families: Vec::new(),
            required: ByFamily::default(),
            requested: ByFamily::default(),
            pools: None,
            share_key: None,
            mode: None,
            backend: None,
            members: Vec::new(),
            refusals: Vec::new(),
        }
    }

    fn read_class(&mut self) {
        let Some(block) = self.desired.params.block().filter(|block| *block != "metal") else { return };
        self.refusals.push(Refusal::whole(
            categories::CONFLICTING_VALUES,
            "spec.loadBalancerClass",
            self.desired.class.to_string(),
            format!("the class has parameters for {block}; the metal provider takes spec.metal only"),
        ));
    }

    fn read(&mut self, member: &Member) {
        let (wish, refusals) = annotations::read(member);
        self.refusals.extend(refusals);
        self.read_families(member);
        self.read_requests(member, &wish);
        self.read_pools(member, &wish);
        self.read_share_key(member, &wish);
        self.read_mode(member);
        self.read_backend(member);
        self.members.push(MemberFacts::of(member, &wish));
    }

    fn read_families(&mut self, member: &Member) {
        let usable = match member.family_policy {
            FamilyPolicy::SingleStack => member.families.get(..1).unwrap_or_default(),
            FamilyPolicy::PreferDualStack | FamilyPolicy::RequireDualStack => &member.families,
        };
        if usable.is_empty() {
            let message = "must list IPv4, IPv6 or both";
            self.refuse(
                member,
                categories::INVALID_VALUE,
                "spec.ipFamilies",
                String::new(),
                message.to_owned(),
            );
        }
        for &family in usable {
            if !self.families.contains(&family) {
                self.families.push(family);
            }
            *self.required.get_mut(family) |= member.family_policy != FamilyPolicy::PreferDualStack;
        }
    }

    fn read_requests(&mut self, member: &Member, wish: &MemberWish) {
        for address in wish.requested.value.addresses() {
            let slot = self.requested.get_mut(IpFamily::of(&address));
            if let Err(older) = agree(slot, member, address, PartialEq::eq) {
                let message =
                    format!("{} of the same group asks for another address, and is older", older.by);
                let (category, field) = (categories::CONFLICTING_VALUES, wish.requested.field);
                self.refuse(member, category, field, address.to_string(), message);
            }
        }
    }

    fn read_pools(&mut self, member: &Member, wish: &MemberWish) {
        let Some(Sourced { value: names, field }) = wish.pools.clone() else { return };
        let text = names.join(",");
        if let Err(older) = agree(&mut self.pools, member, names, PartialEq::eq) {
            let message = format!("{} of the same group names other pools, and is older", older.by);
            self.refuse(member, categories::CONFLICTING_VALUES, field, text, message);
        }
    }

    fn read_share_key(&mut self, member: &Member, wish: &MemberWish) {
        let Some(Sourced { value: key, field }) = wish.share_key.clone() else { return };
        if self.desired.sharing == Sharing::None {
            let message = format!(
                "class {} does not let Services share an address; remove the annotation, or use a class with spec.sharing Namespace or Cluster",
                self.desired.class
            );
            self.refuse(member, categories::SHARING_NOT_ALLOWED, field, key, message);
        } else if let Err(older) = agree(&mut self.share_key, member, key.clone(), PartialEq::eq) {
            let message = format!("{} of the same group carries another key, and is older", older.by);
            self.refuse(member, categories::CONFLICTING_VALUES, field, key, message);
        }
    }

    fn read_mode(&mut self, member: &Member) {
        let Some(mode) = member.ip_mode else { return };
        if let Err(older) = agree(&mut self.mode, member, mode, PartialEq::eq) {
            let message = format!("{} of the same group asks for another ipMode, and is older", older.by);
            let value = mode.as_str().to_owned();
            self.refuse(member, categories::CONFLICTING_VALUES, IP_MODE, value, message);
        }
    }

    fn read_backend(&mut self, member: &Member) {
        let backend = Backend::of(member);
        if let Err(older) = agree(&mut self.backend, member, backend.clone(), Backend::fits) {
            let (field, value) = match (&backend, &older.value) {
                (Backend::Local(selector), Backend::Local(_)) => ("spec.selector", selector.clone()),
                (Backend::Local(_), Backend::Cluster) => ("spec.externalTrafficPolicy", "Local".to_owned()),
                (Backend::Cluster, _) => ("spec.externalTrafficPolicy", "Cluster".to_owned()),
            };
            let message = format!(
                "one node answers for the group's address: all members need externalTrafficPolicy Cluster, or all Local with the same selector; {} is older",
                older.by
            );
            self.refuse(member, own::TRAFFIC_POLICY_CONFLICT, field, value, message);
        }
    }

    fn refuse(&mut self, member: &Member, category: Category, field: &str, value: String, message: String) {
        self.refusals.push(Refusal::of(&member.service, category, field, value, message));
    }
}

/// Takes the value if it is the first, or gives back the older one that it does not fit.
fn agree<'a, T>(
    slot: &'a mut Option<Agreed<T>>,
    member: &Member,
    value: T,
    fits: impl Fn(&T, &T) -> bool,
) -> Result<(), &'a Agreed<T>> {
    let Some(agreed) = slot else {
        *slot = Some(Agreed { value, by: member.service.clone() });
        return Ok(());
    };
    if fits(&agreed.value, &value) { Ok(()) } else { Err(agreed) }
}
