//! Security groups of a load balancer.

use super::addresses::{name_tag, sources_field};
use super::keys;
use super::model::Security;
use super::parse::{self, Parsed};
use super::said::{By, Findings, Group, Said, problem};

/// Which groups it has, and whether their rules hold for `PrivateLink` traffic.
pub(super) fn read(
    group: &Group<'_>,
    class_groups: &[String],
    class_backend: Option<bool>,
    findings: &mut Findings,
) -> (Security, Option<bool>) {
    let none = group.decide(keys::NO_SECURITY_GROUPS, parse::boolean, findings).filter(|none| none.value);
    let groups = group.decide(keys::SECURITY_GROUPS, |text| parse::list(text, security_group), findings);
    let backend = group.decide(keys::BACKEND_RULES, parse::boolean, findings);
    let private_link = group.decide(keys::PRIVATE_LINK_RULES, parse::switch, findings);
    if let Some(none) = &none {
        let why = "a load balancer without security groups has no rules";
        let given = groups.as_ref().map(|groups| &groups.by);
        let opened = backend.as_ref().filter(|backend| backend.value).map(|backend| &backend.by);
        let link = private_link.as_ref().map(|link| &link.by);
        for by in [given, opened, link].into_iter().flatten() {
            findings.contradiction(by, &none.by, why);
        }
    }
    let backend = backend.map(|said| said.value).or(class_backend);
    let groups = groups.or_else(|| {
        let of_class =
            || Said { value: class_groups.to_vec(), by: By::class("securityGroups", class_groups.join(",")) };
        (!class_groups.is_empty()).then(of_class)
    });
    let security = match (none, groups) {
        (Some(_), _) => Security::None,
        (None, Some(groups)) => Security::Given { groups: groups.value, backend: backend.unwrap_or(false) },
        (None, None) => Security::Managed { backend: backend.unwrap_or(true) },
    };
    unenforced(group, &security, findings);
    (security, private_link.map(|said| said.value))
}

/// A security group id, or any other text as a name.
pub(super) fn security_group(text: &str) -> Parsed<String> {
    if text.starts_with("sg-") { parse::aws_id(text, "sg-") } else { name_tag(text) }
}

/// Sources that a member names only matter to a group that we manage. Silence about it would look like a filter.
fn unenforced(group: &Group<'_>, security: &Security, findings: &mut Findings) {
    let why = match security {
        Security::Managed { .. } => return,
        Security::Given { .. } => {
            "the load balancer has the security groups of security-groups, which Landfall does not change"
        }
        Security::None => "the load balancer has no security groups (disable-nlb-sg)",
    };
    for source in group.sources() {
        if source.member.sources_given {
            let message = format!("{} is not enforced: {why}", sources_field(source.member));
            findings.tell(source, None, problem::SOURCES, message);
        }
        if source.text(keys::PREFIX_LISTS).is_some() {
            let message = format!("{} is not enforced: {why}", keys::PREFIX_LISTS);
            findings.tell(source, None, problem::SOURCES, message);
        }
        if source.text(keys::PATH_MTU).is_some() {
            findings.ignored(source, keys::PATH_MTU, why);
        }
    }
}
