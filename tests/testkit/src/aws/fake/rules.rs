//! Inbound rules of security groups.

use ipnet::{Ipv4Net, Ipv6Net};
use landfall_aws::api::ec2::{Allow, Rule, Source};
use landfall_aws::api::ids::SecurityGroupId;
use landfall_core::net::IpFamily;

use super::names;
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::state::State;

impl State {
    /// All or none.
    pub(super) fn authorize(&mut self, id: &SecurityGroupId, rules: &[Rule]) -> Done<()> {
        let mut all = self.security_group(id)?.ingress.clone();
        if rules.is_empty() {
            return refuse("MissingParameter", "The request must contain the parameter ipPermissions");
        }
        for rule in rules {
            let rule = self.checked_rule(id, rule)?;
            if all.iter().any(|there| is_same(there, &rule)) {
                let text = format!("the specified rule \"{rule}\" already exists");
                return refuse("InvalidPermission.Duplicate", text);
            }
            all.push(rule);
        }
        for family in IpFamily::BOTH {
            let weight = all.iter().map(|rule| self.weight(rule, family)).sum();
            self.quotas.check(Quota::RulesPerSecurityGroup, weight)?;
        }
        self.security_group_mut(id)?.ingress = all;
        Ok(())
    }

    /// All or none. Descriptions do not matter.
    pub(super) fn revoke(&mut self, id: &SecurityGroupId, rules: &[Rule]) -> Done<()> {
        let mut all = self.security_group(id)?.ingress.clone();
        if rules.is_empty() {
            return refuse("MissingParameter", "The request must contain the parameter ipPermissions");
        }
        for rule in rules.iter().map(canonical) {
            let Some(at) = all.iter().position(|there| is_same(there, &rule)) else {
                let text = "The specified rule does not exist in this security group.";
                return refuse("InvalidPermission.NotFound", text);
            };
            all.remove(at);
        }
        self.security_group_mut(id)?.ingress = all;
        Ok(())
    }

    /// A rule as it would be kept.
    fn checked_rule(&self, id: &SecurityGroupId, rule: &Rule) -> Done<Rule> {
        names::ec2_text("description", &rule.description)?;
        let invalid = |text: &str| refuse("InvalidParameterValue", format!("{text} in rule \"{rule}\""));
        match &rule.allow {
            Allow::Tcp(from, to) | Allow::Udp(from, to) if from > to => return invalid("Invalid port range"),
            Allow::Other(protocol, _, _) if protocol != "-1" && protocol.parse::<u8>().is_err() => {
                return invalid("Invalid protocol");
            }
            _ => {}
        }
        match &rule.source {
            Source::Group(other) => {
                let vpc = &self.security_group(other)?.vpc;
                if *vpc != self.security_group(id)?.vpc {
                    return refuse("InvalidGroup.NotFound", format!("'{other}' is in another VPC"));
                }
            }
            Source::PrefixList(list) if !self.network.prefix_lists.contains_key(list) => {
                return refuse(
                    "InvalidPrefixListID.NotFound",
                    format!("The prefix list '{list}' does not exist"),
                );
            }
            _ => {}
        }
        Ok(canonical(rule))
    }

    /// What a rule counts for in the quota of a family: a group once in both, a prefix list with its size in both.
    fn weight(&self, rule: &Rule, family: IpFamily) -> usize {
        match (&rule.source, family) {
            (Source::V4(_), IpFamily::V6) | (Source::V6(_), IpFamily::V4) => 0,
            (Source::PrefixList(list), _) => self.network.prefix_lists.get(list).copied().unwrap_or(1),
            _ => 1,
        }
    }
}

/// Ranges are kept without the bits behind the prefix.
fn canonical(rule: &Rule) -> Rule {
    let source = match &rule.source {
        Source::V4(range) => Source::V4(Ipv4Net::trunc(range)),
        Source::V6(range) => Source::V6(Ipv6Net::trunc(range)),
        other => other.clone(),
    };
    Rule { source, ..rule.clone() }
}

/// Whether two rules are one to AWS.
fn is_same(one: &Rule, other: &Rule) -> bool {
    (&one.allow, &one.source) == (&other.allow, &other.source)
}
