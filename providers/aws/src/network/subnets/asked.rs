//! Subnets by id or name.

use std::collections::BTreeMap;

use super::{AVAILABILITY_ZONE, Chosen, OUTPOST, Question, Reason};
use crate::api::ec2::Subnet;
use crate::network::NetworkError;

/// The subnets asked for, in that order.
pub(super) fn choose<'a>(question: &Question<'a>) -> Result<Chosen<'a>, NetworkError> {
    let mut subnets = Vec::new();
    for name in &question.settings.subnets {
        subnets.extend(resolve(question, name)?);
    }
    one_per_zone(&subnets)?;
    one_locale(question, &subnets)?;
    for subnet in &subnets {
        let unfit = on_outpost(question, subnet).or_else(|| question.flaw(subnet));
        if let Some(reason) = unfit.or_else(|| question.crowd(subnet)) {
            return Err(NetworkError::UnfitSubnet { subnet: subnet.id.clone(), reason });
        }
    }
    Ok(Chosen { subnets, passed_over: Vec::new() })
}

/// A subnet by id, or those of a `Name` tag by their ids: one name may stand for one subnet in each zone.
fn resolve<'a>(question: &Question<'a>, name: &str) -> Result<Vec<&'a Subnet>, NetworkError> {
    let is_id = name.starts_with("subnet-");
    let is_named = |subnet: &Subnet| subnet.tags.get("Name").is_some_and(|tag| tag == name);
    let is_meant = |subnet: &&Subnet| if is_id { subnet.id.as_str() == name } else { is_named(subnet) };
    let mut found: Vec<&Subnet> = question.known.subnets.iter().filter(is_meant).collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    if found.is_empty() {
        return Err(NetworkError::SubnetNotFound {
            vpc: question.known.vpc.id.clone(),
            what: if is_id { "id" } else { "Name tag" },
            name: name.to_owned(),
        });
    }
    match crowded_zone(&found) {
        None => Ok(found),
        Some((zone, subnets)) => Err(NetworkError::AmbiguousSubnet {
            name: name.to_owned(),
            zone: zone.to_owned(),
            subnets: subnets.iter().map(|subnet| subnet.id.clone()).collect(),
        }),
    }
}

fn one_per_zone(subnets: &[&Subnet]) -> Result<(), NetworkError> {
    crowded_zone(subnets).map_or(Ok(()), |(zone, subnets)| {
        let subnets = subnets.iter().map(|subnet| subnet.id.clone()).collect();
        Err(NetworkError::TwoSubnetsInZone { zone: zone.to_owned(), subnets })
    })
}

/// Outposts have Network Load Balancers with demands of their own, which are not served.
fn on_outpost(question: &Question<'_>, subnet: &Subnet) -> Option<Reason> {
    let locale = question.locale(subnet);
    (locale == OUTPOST).then(|| Reason::Locale(locale.to_owned()))
}

/// The first zone with several of the subnets.
fn crowded_zone<'a>(subnets: &[&'a Subnet]) -> Option<(&'a str, Vec<&'a Subnet>)> {
    let mut zones: BTreeMap<&str, Vec<&Subnet>> = BTreeMap::new();
    for subnet in subnets {
        zones.entry(&subnet.zone).or_default().push(subnet);
    }
    zones.into_iter().find(|(_, subnets)| subnets.len() > 1)
}

fn one_locale(question: &Question<'_>, subnets: &[&Subnet]) -> Result<(), NetworkError> {
    let first = subnets.first().map_or(AVAILABILITY_ZONE, |subnet| question.locale(subnet));
    if subnets.iter().all(|subnet| question.locale(subnet) == first) {
        return Ok(());
    }
    let kinds = subnets.iter().map(|subnet| format!("{} ({})", subnet.id, question.locale(subnet)));
    Err(NetworkError::MixedLocales(kinds.collect()))
}
