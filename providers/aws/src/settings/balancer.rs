//! Settings of the load balancer as a whole: the oldest member that says something decides, else the class, else a
//! default.

use landfall_core::annotations::{ADOPT, ADOPT_CONFIRM};
use landfall_core::params::aws::{AwsParams, Publish, Scheme};

use super::model::BalancerSettings;
use super::parse::{self, Parsed};
use super::said::{By, Findings, Group, Said, Source};
use super::{addresses, attributes, keys, security, tags};
use crate::api::ids::LoadBalancerArn;

/// AWS's limit for names of load balancers.
const NAME_LIMIT: usize = 32;

/// Reads them. `class` has been checked.
pub(super) fn read(group: &Group<'_>, class: &AwsParams, findings: &mut Findings) -> BalancerSettings {
    let scheme = scheme(group, class, findings);
    let addresses = addresses::read(group, &class.subnets, &scheme, findings);
    let (security, private_link_rules) =
        security::read(group, &class.security_groups, class.manage_backend_rules, findings);
    let (name, adopt) = identity(group, findings);
    BalancerSettings {
        name,
        scheme: scheme.value,
        address_type: addresses.kind.value,
        subnets: addresses.subnets,
        allocations: addresses.allocations,
        private_ipv4: addresses.private_ipv4,
        ipv6: addresses.ipv6,
        source_nat: addresses.source_nat,
        source_nat_prefixes: addresses.source_nat_prefixes,
        security,
        private_link_rules,
        attributes: attributes::balancer(group, &class.attributes, &addresses.kind, findings),
        capacity: group.decide(keys::CAPACITY, capacity, findings).and_then(|said| said.value),
        tags: tags::read(group, &class.tags, findings),
        adopt_confirm: confirmation(group, adopt.is_some(), findings),
        adopt,
        publish: class.publish.unwrap_or(Publish::Created),
    }
}

fn scheme(group: &Group<'_>, class: &AwsParams, findings: &mut Findings) -> Said<Scheme> {
    group.decide_by(findings, scheme_of_member).unwrap_or_else(|| match class.scheme {
        Some(scheme) => Said { value: scheme, by: By::class("scheme", scheme.as_str()) },
        None => Said { value: Scheme::Internal, by: By::default(keys::SCHEME, Scheme::Internal.as_str()) },
    })
}

/// `scheme`, else the older boolean; both only if they say the same.
fn scheme_of_member(source: Source<'_>, findings: &mut Findings) -> Option<Said<Scheme>> {
    let words = [Scheme::Internal, Scheme::InternetFacing].map(|scheme| (scheme.as_str(), scheme));
    let word = source.read(keys::SCHEME, |text| parse::one_of(text, &words), findings);
    let from_bool = |internal| if internal { Scheme::Internal } else { Scheme::InternetFacing };
    let older = source.read(keys::INTERNAL, parse::boolean, findings).map(|said| said.map(from_bool));
    if let (Some(word), Some(older)) = (&word, &older)
        && word.value != older.value
    {
        findings.contradiction(&older.by, &word.by, "give one of the two, or the same in both");
    }
    word.or(older)
}

/// A name asked for and a load balancer to take over. What is taken over keeps its name.
fn identity(group: &Group<'_>, findings: &mut Findings) -> (Option<String>, Option<LoadBalancerArn>) {
    let name = group.decide(keys::NAME, balancer_name, findings);
    let adopt = group.decide(ADOPT, adoptable, findings);
    if let (Some(name), Some((arn_name, by))) = (&name, adopt.as_ref().map(|said| (&said.value.1, &said.by)))
        && name.value != *arn_name
    {
        findings.contradiction(&name.by, by, "a load balancer that is taken over keeps its name");
    }
    (name.map(|said| said.value), adopt.map(|said| said.value.0))
}

fn confirmation(group: &Group<'_>, adopts: bool, findings: &mut Findings) -> Option<String> {
    let given = |text: &str| match text.trim() {
        "" => Err("must be the fingerprint that the plan shows".to_owned()),
        text => Ok(text.to_owned()),
    };
    let said = group.decide(ADOPT_CONFIRM, given, findings)?;
    if !adopts {
        for source in group.sources().filter(|source| source.text(ADOPT_CONFIRM).is_some()) {
            findings.ignored(source, ADOPT_CONFIRM, "landfall.dev/adopt is not given");
        }
    }
    Some(said.value)
}

fn balancer_name(text: &str) -> Parsed<String> {
    let characters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let ends = text.starts_with('-') || text.ends_with('-') || text.starts_with("internal-");
    if (1..=NAME_LIMIT).contains(&text.len()) && characters && !ends {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be 1 to {NAME_LIMIT} letters, digits and -, without - at either end and not beginning with internal-"
        ))
    }
}

/// The ARN and the name in it. Whether it is a Network Load Balancer shows when it is read.
fn adoptable(text: &str) -> Parsed<(LoadBalancerArn, String)> {
    let name = parse::arn(text)
        .filter(|arn| arn.service == "elasticloadbalancing" && !arn.region.is_empty())
        .and_then(|arn| {
            let parts: Vec<&str> = arn.resource.split('/').collect();
            match parts.as_slice() {
                ["loadbalancer", kind, name, id] if [kind, name, id].iter().all(|part| !part.is_empty()) => {
                    Some((*name).to_owned())
                }
                _ => None,
            }
        });
    let accepted = "must be the ARN of a Network Load Balancer: arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/net/NAME/ID";
    name.map(|name| (LoadBalancerArn::from(text), name)).ok_or_else(|| accepted.to_owned())
}

/// `CapacityUnits=N`; 0 is none.
fn capacity(text: &str) -> Parsed<Option<u32>> {
    let accepted = "must be CapacityUnits=N, and N = 0 for none";
    let pairs = parse::map(text).map_err(|_| accepted.to_owned())?;
    match pairs.as_slice() {
        [(key, units)] if key == "CapacityUnits" => {
            let units = parse::number(units, &(0..=i32::MAX.unsigned_abs()))
                .map_err(|why| format!("{accepted}: N {why}"))?;
            Ok((units > 0).then_some(units))
        }
        _ => Err(accepted.to_owned()),
    }
}
