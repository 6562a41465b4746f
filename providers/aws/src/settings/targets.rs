//! What a member's traffic is sent to.

use std::collections::BTreeMap;

use landfall_core::annotations::TARGETS;
use landfall_core::model::{Member, TargetKind};
use landfall_core::params::ClassParams;
use landfall_core::params::aws::TargetType;

use super::keys;
use super::parse::{self, Parsed};
use super::said::{Findings, Origin, Said, Source};
use crate::api::elb::GroupTargets;

/// Where the member's traffic goes. What cannot be read counts as absent here; [`super::read`] refuses it.
pub fn target_kind(params: &ClassParams, member: &Member) -> TargetKind {
    let class = match params {
        ClassParams::Aws(params) => params.target_type,
        ClassParams::Defaults | ClassParams::Gcp(_) | ClassParams::Metal(_) => None,
    };
    let source = Source { member, origin: Origin::Member(0) };
    match read(source, class, &mut Findings::default()) {
        GroupTargets::Instance => TargetKind::Nodes,
        GroupTargets::Ip => TargetKind::Endpoints,
    }
}

/// What the annotations say, which must agree; else what the class says; else nodes.
pub(super) fn read(source: Source<'_>, class: Option<TargetType>, findings: &mut Findings) -> GroupTargets {
    use GroupTargets::{Instance, Ip};
    let neutral =
        source.read(TARGETS, |text| parse::one_of(text, &[("nodes", Instance), ("pods", Ip)]), findings);
    let words = [("instance", Instance), ("ip", Ip)];
    let own = source.read(keys::TARGET_TYPE, |text| parse::one_of(text, &words), findings);
    let older = source.read(keys::TYPE, kind, findings).and_then(|said| {
        let Said { value, by } = said;
        value.map(|value| Said { value, by })
    });
    let mut said = [neutral, own, older].into_iter().flatten();
    let Some(first) = said.next() else {
        return match class {
            Some(TargetType::Ip) => Ip,
            Some(TargetType::Instance) | None => Instance,
        };
    };
    for other in said.filter(|other| other.value != first.value) {
        findings.contradiction(&other.by, &first.by, "give one of them, or the same in both");
    }
    first.value
}

/// The values that mean a Network Load Balancer, and the targets that one of them implies.
fn kind(text: &str) -> Parsed<Option<GroupTargets>> {
    match text {
        "external" | "nlb" => Ok(None),
        "nlb-ip" => Ok(Some(GroupTargets::Ip)),
        _ => Err("must be external, nlb or nlb-ip: Landfall makes Network Load Balancers only, and \
                  spec.loadBalancerClass decides who serves the Service"
            .to_owned()),
    }
}

/// Labels that nodes must have: those of the annotation in place of the class's.
pub(super) fn node_labels(
    source: Source<'_>,
    targets: GroupTargets,
    class: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> BTreeMap<String, Option<String>> {
    let said = source.read(keys::NODE_LABELS, labels, findings);
    if said.is_some() && targets == GroupTargets::Ip {
        findings.ignored(source, keys::NODE_LABELS, "the targets are pods");
    }
    match said {
        Some(said) => said.value,
        None => class.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect(),
    }
}

fn labels(text: &str) -> Parsed<BTreeMap<String, Option<String>>> {
    let pairs = parse::loose_map(text)?;
    if pairs.is_empty() {
        return Err("must list at least one label: key=value, or a key alone for any value".to_owned());
    }
    for (key, value) in &pairs {
        label(key, value.as_deref().unwrap_or_default())?;
    }
    Ok(pairs.into_iter().collect())
}

/// Whether key and value can be those of a label (Kubernetes: labels and selectors, syntax and character set).
pub(super) fn label(key: &str, value: &str) -> Parsed<()> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_fits = prefix.is_none_or(|prefix| {
        !prefix.is_empty()
            && prefix.len() <= 253
            && prefix.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
    });
    if prefix_fits && !name.is_empty() && label_text(name) && label_text(value) {
        Ok(())
    } else {
        Err(format!("{key:?} with value {value:?} cannot be a label of a node"))
    }
}

fn label_text(text: &str) -> bool {
    let ends = |char: Option<char>| char.is_none_or(|char| char.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.'))
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}
