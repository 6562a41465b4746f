//! The part of a wish that the lists of an account do not show.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::model::MemberRef;
use landfall_core::names::hash_of;
use serde::Serialize;

use super::model::{ListenerWish, Wanted};
use crate::api::Attributes;

/// What only calls about one load balancer tell.
#[derive(Serialize)]
struct Unlisted<'a> {
    attributes: &'a Attributes,
    capacity: Option<u32>,
    listeners: &'a [ListenerWish],
    groups: BTreeMap<&'a str, &'a Attributes>,
    /// Their listeners stay although nobody asks for them.
    retained: &'a BTreeSet<MemberRef>,
}

impl Wanted {
    /// Changes with listeners, attributes and capacity, and with nothing else. A load balancer with this fingerprint in
    /// its tag [`crate::marks::APPLIED`] was brought to this wish.
    pub fn fingerprint(&self) -> String {
        let unlisted = Unlisted {
            attributes: &self.balancer.attributes,
            capacity: self.balancer.capacity,
            listeners: &self.listeners,
            groups: self.groups.iter().map(|group| (group.name.as_str(), &group.attributes)).collect(),
            retained: &self.retained,
        };
        // Text, numbers and maps with text keys always have a JSON form; were there none, an empty one would only
        // make a fingerprint that no tag has.
        hash_of(&[&serde_json::to_string(&unlisted).unwrap_or_default()])
    }
}
