//! Target groups and their targets.

use std::collections::BTreeMap;
use std::error::Error as _;

use landfall_core::error::Classified as _;
use landfall_core::ids::ServiceKey;
use landfall_core::outcome::Problem;

use super::{Done, World, unless_in_use};
use crate::api::Attributes;
use crate::api::elb::{NewTargetGroup, TargetGroup};
use crate::change::{GroupChange, TargetChange};
use crate::error::AwsError;
use crate::marks;
use crate::observe::Group;
use crate::targets::{self, LeftOut};

/// Targets named in one problem.
const NAMED: usize = 5;

impl World<'_> {
    pub(super) async fn group(&mut self, name: &str, change: GroupChange) -> Result<Done, AwsError> {
        let client = self.client;
        match change {
            GroupChange::Create(new) => self.make_group(new).await?,
            GroupChange::Health { to, .. } => {
                let group = self.find_group(name)?;
                client.modify_group(&group.it.arn, &to).await?;
                group.it.health = to;
            }
            GroupChange::Attributes(change) => {
                let group = self.find_group(name)?;
                client.modify_group_attributes(&group.it.arn, &change.set()).await?;
                group.attributes.get_or_insert_default().extend(change.set());
            }
            GroupChange::Targets(change) => return self.targets(name, &change).await,
            GroupChange::Delete => {
                let it = &self.find_group(name)?.it;
                let (arn, users) = (it.arn.clone(), it.load_balancers.clone());
                if users.iter().any(|user| self.kept.contains(user)) {
                    return Ok(Done::With(Vec::new()));
                }
                let done = unless_in_use(client.delete_group(&arn).await)?;
                if matches!(done, Done::Made) {
                    self.observed.groups.retain(|group| group.it.arn != arn);
                }
                return Ok(done);
            }
        }
        Ok(Done::Made)
    }

    async fn make_group(&mut self, new: NewTargetGroup) -> Result<(), AwsError> {
        let it: TargetGroup = self.client.create_group(&new).await?;
        let (attributes, targets) = (Some(Attributes::new()), Some(BTreeMap::new()));
        self.observed.groups.push(Group { it, tags: new.tags, attributes, targets });
        Ok(())
    }

    async fn targets(&mut self, name: &str, change: &TargetChange) -> Result<Done, AwsError> {
        let client = self.client;
        let group = self.find_group(name)?;
        let member = marks::member(&group.tags).map(|member| member.service);
        let registered = group.targets.get_or_insert_default();
        let left_out = targets::carry_out(client, &group.it.arn, change, registered).await?;
        if left_out.is_empty() {
            return Ok(Done::Made);
        }
        Ok(Done::With(problems(member.as_ref(), &left_out)))
    }
}

/// One problem per reason for which targets were left out.
fn problems(member: Option<&ServiceKey>, left_out: &[LeftOut]) -> Vec<Problem> {
    let mut by_code = BTreeMap::<&str, Vec<&LeftOut>>::new();
    for each in left_out {
        by_code.entry(each.why.code().unwrap_or_default()).or_default().push(each);
    }
    let problem = |left_out: Vec<&LeftOut>| {
        let why = &left_out.first()?.why;
        let names: Vec<String> = left_out.iter().take(NAMED).map(|each| text(each)).collect();
        let more = left_out.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let answer = why.source().map(|source| format!(": {source}")).unwrap_or_default();
        Some(Problem {
            member: member.cloned(),
            port: None,
            category: why.category(),
            message: format!("AWS does not take {}{more} as targets: {why}{answer}", names.join(", ")),
        })
    };
    by_code.into_values().filter_map(problem).collect()
}

fn text(left_out: &LeftOut) -> String {
    let target = &left_out.target;
    if left_out.name == target.id {
        format!("{}:{}", target.id, target.port)
    } else {
        format!("{} ({}:{})", left_out.name, target.id, target.port)
    }
}
