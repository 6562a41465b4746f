//! What an administrator of a Shared VPC's host project runs where the controller may not.

use std::fmt::Write as _;

use landfall_core::error::{Category, Classified as _};
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;

use super::Worker;
use crate::api::Reference;
use crate::api::types::Firewall;
use crate::change::{Change, What};
use crate::diff::{chosen, text_of};
use crate::error::GcpError;
use crate::observe::{Observed, Thing};
use crate::resources::{FirewallWish, Wanted};

/// The word for rules that somebody else must make.
const NEEDED: Category = Category::new("FirewallRuleNeeded");

impl Worker<'_> {
    /// Tells what to run instead of a change.
    pub(super) fn left_to_others(&self, change: &Change, error: &GcpError) -> Result<Problem, GcpError> {
        let reference = &change.reference;
        let command = match &change.what {
            What::Insert(it) | What::Update(it) => {
                let Thing::Firewall(rule) = &**it else { return Err(error.clone()) };
                let verb = if matches!(change.what, What::Insert(_)) { "create" } else { "update" };
                let mut rule = rule.clone();
                if let (Some(family), Some(wanted)) = (change.towards, self.wanted) {
                    rule.destination_ranges = destination(wanted, &self.observed(), family);
                }
                command(verb, reference, &rule)
            }
            _ => format!(
                "gcloud compute firewall-rules delete {} --project {}",
                reference.name, reference.place.project
            ),
        };
        let category = error.category();
        Ok(Problem {
            member: None,
            port: None,
            category,
            message: format!(
                "the controller may not change firewall rules of the project {}: give it the permission, or run: {command}",
                reference.place.project
            ),
        })
    }
}

/// Tells what to run for the firewall rules that cannot even be looked at.
pub(crate) fn for_hidden(wanted: &Wanted, observed: &Observed) -> Vec<Problem> {
    let Some(why) = &observed.hidden_firewalls else { return Vec::new() };
    let problem = |wish: &FirewallWish| {
        let mut rule = wish.it.clone();
        if let Some(family) = wish.towards {
            rule.destination_ranges = destination(wanted, observed, family);
        }
        Problem {
            member: wish.member.as_ref().map(|member| member.service.clone()),
            port: None,
            category: NEEDED,
            message: format!(
                "{why}; give the permission, or see to it that there is a rule as from: {}",
                command("create", &wish.reference, &rule)
            ),
        }
    };
    wanted.firewalls.iter().filter(|wish| !wish.keeps_targets).map(problem).collect()
}

/// What a rule for clients leads to.
fn destination(wanted: &Wanted, observed: &Observed, family: IpFamily) -> Vec<String> {
    let address = chosen(wanted, observed, family);
    address.map(|address| text_of(observed, address)).into_iter().collect()
}

/// The command line that makes a rule, or makes it like this.
fn command(verb: &str, reference: &Reference, rule: &Firewall) -> String {
    let mut line = format!(
        "gcloud compute firewall-rules {verb} {} --project {}",
        reference.name, reference.place.project
    );
    let network = rule.network.as_deref().and_then(Reference::parse);
    if let Some(network) = network.filter(|_| verb == "create") {
        let _ = write!(line, " --network {} --direction INGRESS", network.name);
    }
    let _ = write!(line, " --priority {} --allow {}", rule.priority.unwrap_or(1000), allowed(rule));
    let lists = [
        ("--source-ranges", &rule.source_ranges),
        ("--destination-ranges", &rule.destination_ranges),
        ("--target-tags", &rule.target_tags),
        ("--target-service-accounts", &rule.target_service_accounts),
    ];
    for (flag, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        let _ = write!(line, " {flag} {}", list.join(","));
    }
    if verb == "create" {
        let _ = write!(line, " --description '{}'", rule.description);
    }
    line
}

fn allowed(rule: &Firewall) -> String {
    let each = rule.allowed.iter().flat_map(|allowed| {
        let ports = allowed.ports.iter().map(|port| format!("{}:{port}", allowed.protocol));
        let all = allowed.ports.is_empty().then(|| allowed.protocol.clone());
        ports.chain(all).collect::<Vec<_>>()
    });
    each.collect::<Vec<_>>().join(",")
}
