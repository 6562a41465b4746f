//! Who makes firewall rules for which instances, and who may connect.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use landfall_core::annotations::SOURCE_RANGES;
use landfall_core::model::Member;
use landfall_core::net::IpFamily;
use landfall_core::params::gcp::GcpParams;

use super::keys;
use super::model::FirewallSettings;
use super::parse::{self, Parsed};
use super::said::{Findings, Source, problem};

/// Most target tags of a firewall rule (quotas and limits of VPC networks).
pub(super) const TAGS: usize = 70;
/// Most target service accounts of a firewall rule (quotas and limits of VPC networks).
pub(super) const ACCOUNTS: usize = 10;

/// Reads for which instances firewall rules are made. `class` has been checked.
pub(super) fn read(source: Source<'_>, class: &GcpParams, findings: &mut Findings) -> FirewallSettings {
    let manage = source.read(keys::MANAGE_FIREWALL, parse::boolean, findings);
    let tags = source.read(keys::TARGET_TAGS, |text| parse::list(text, TAGS, parse::name), findings);
    let accounts = source.read(keys::TARGET_ACCOUNTS, |text| parse::list(text, ACCOUNTS, account), findings);
    if !manage.map(|said| said.value).or(class.manage_firewall).unwrap_or(true) {
        for said in [&tags, &accounts].into_iter().flatten() {
            findings.ignored(source, &said.by.field, "firewall rules are made by somebody else");
        }
        if source.member.sources_given {
            let why = "firewall rules are made by somebody else, who has to heed it";
            findings.ignored(source, sources_field(source.member), why);
        }
        return FirewallSettings::Unmanaged;
    }
    if let (Some(tags), Some(accounts)) = (&tags, &accounts) {
        findings.contradiction(&accounts.by, &tags.by, "a firewall rule goes by one of the two");
    }
    match (tags, accounts) {
        (Some(tags), _) => FirewallSettings::Tags(set(&tags.value)),
        (None, Some(accounts)) => FirewallSettings::ServiceAccounts(set(&accounts.value)),
        (None, None) if !class.target_tags.is_empty() => FirewallSettings::Tags(set(&class.target_tags)),
        (None, None) if !class.target_service_accounts.is_empty() => {
            FirewallSettings::ServiceAccounts(set(&class.target_service_accounts))
        }
        (None, None) => FirewallSettings::Found,
    }
}

fn set(items: &[String]) -> BTreeSet<String> {
    items.iter().cloned().collect()
}

/// The e-mail address of a service account.
pub(super) fn account(text: &str) -> Parsed<String> {
    let (name, domain) = text.split_once('@').unwrap_or_default();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte));
    if !name.is_empty() && domain.contains('.') && !domain.contains('@') && plain {
        Ok(text.to_owned())
    } else {
        Err("must be the address of a service account, such as nodes@PROJECT.iam.gserviceaccount.com"
            .to_owned())
    }
}

/// Who may connect, by family of the member. A family without ranges lets nobody in, which is told; if no family has
/// some, the Service cannot be what is wanted.
pub(super) fn sources(source: Source<'_>, findings: &mut Findings) -> BTreeMap<IpFamily, BTreeSet<IpNet>> {
    let member = source.member;
    let ranges = |family| member.sources.of(family).iter().copied().collect::<BTreeSet<_>>();
    let has = |family: &IpFamily| member.families.contains(family);
    let (own, foreign): (BTreeMap<_, _>, BTreeMap<_, _>) = IpFamily::BOTH
        .into_iter()
        .map(|family| (family, ranges(family)))
        .filter(|(_, ranges)| !ranges.is_empty())
        .partition(|(family, _)| has(family));
    if !member.sources_given {
        return own;
    }
    let field = sources_field(member);
    for (family, ranges) in &foreign {
        let text: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        let by = source.by(field, text.join(","));
        if own.is_empty() {
            let families: Vec<&str> = member.families.iter().map(|family| family.as_str()).collect();
            let other = source.by("spec.ipFamilies", families.join(","));
            findings.contradiction(&by, &other, "nobody could connect");
        } else {
            let what = format!("{field} {}", by.text);
            findings.ignored(source, &what, &format!("the Service has no {family}"));
        }
    }
    for family in member.families.iter().filter(|family| !own.contains_key(family) && !own.is_empty()) {
        let message = format!(
            "{field} has no {family} range, so nobody can connect by {family}; add one, or take {family} out of \
             spec.ipFamilies"
        );
        findings.tell(source, problem::SOURCES, message);
    }
    own
}

/// Where the source ranges of a member were found. The field goes before the annotation, but is not in the model.
fn sources_field(member: &Member) -> &'static str {
    if member.annotations.contains_key(SOURCE_RANGES) {
        SOURCE_RANGES
    } else {
        "spec.loadBalancerSourceRanges"
    }
}
