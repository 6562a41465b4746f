//! Security groups and their rules.

use std::error::Error as _;

use landfall_core::error::Classified as _;
use landfall_core::outcome::Problem;

use super::{Done, World, is_settled, unless_in_use};
use crate::api::ec2::{NewSecurityGroup, Rule, SecurityGroup, Source, WhichSecurityGroups};
use crate::api::ids::SecurityGroupId;
use crate::change::{GuardChange, GuardRef, GuardRole, kinds};
use crate::error::AwsError;
use crate::marks;
use crate::observe::Observed;

/// Rules in one request; AWS takes 1,000 and a group has far fewer.
const RULES_AT_ONCE: usize = 500;

impl World<'_> {
    pub(super) async fn guard(&mut self, guard: &GuardRef, change: GuardChange) -> Result<Done, AwsError> {
        match change {
            GuardChange::Create(role, new) => self.make_guard(role, new).await?,
            GuardChange::Authorise(rules) => self.authorise(guard, rules).await?,
            GuardChange::LetIn { from, allow, mark } => {
                let source = Source::Group(self.guard_id(&from)?);
                let rule = |allow| Rule { allow, source: source.clone(), description: mark.clone() };
                return self.let_in(guard, allow.into_iter().map(rule).collect()).await;
            }
            GuardChange::Revoke(rules) => self.revoke(guard, &rules).await?,
            GuardChange::Delete => {
                let id = self.guard_id(guard)?;
                if self.is_kept_on(&id) {
                    return Ok(Done::With(Vec::new()));
                }
                let done = unless_in_use(self.client.delete_security_group(&id).await)?;
                if matches!(done, Done::Made) {
                    self.observed.frontend.retain(|group| group.id != id);
                    self.observed.backend.take_if(|group| group.id == id);
                }
                return Ok(done);
            }
        }
        Ok(Done::Made)
    }

    /// The id of a security group that is there by now.
    pub(super) fn guard_id(&self, guard: &GuardRef) -> Result<SecurityGroupId, AwsError> {
        match guard {
            GuardRef::Known(id) => Ok(id.clone()),
            GuardRef::Named(name) => {
                let found = made_last(self.observed, name);
                found.map(|group| group.id.clone()).ok_or_else(|| self.lost(kinds::GUARD, name))
            }
        }
    }

    /// Whether a load balancer carries a security group that AWS would not delete now: so long it is in use for sure.
    fn is_kept_on(&self, guard: &SecurityGroupId) -> bool {
        let mut kept = self.observed.balancers.iter().filter(|balancer| self.kept.contains(&balancer.it.arn));
        kept.any(|balancer| balancer.it.security_groups.contains(guard))
    }

    /// A security group whose tags or rules are known.
    pub(super) fn known_guard(&mut self, id: &SecurityGroupId) -> Option<&mut SecurityGroup> {
        let observed = &mut *self.observed;
        let ours = observed.frontend.iter_mut().chain(&mut observed.backend);
        ours.chain(&mut observed.node_groups).find(|group| group.id == *id)
    }

    async fn make_guard(&mut self, role: GuardRole, new: NewSecurityGroup) -> Result<(), AwsError> {
        let id = match self.client.create_security_group(&new).await {
            Err(taken @ AwsError::NameTaken { .. }) => return Err(self.whose(&new, taken).await?),
            answer => answer?,
        };
        let NewSecurityGroup { name, description, vpc, tags } = new;
        let group = SecurityGroup { id, name, description, vpc, ingress: Vec::new(), tags };
        match role {
            GuardRole::Frontend => self.observed.frontend.push(group),
            GuardRole::Backend => self.observed.backend = Some(group),
        }
        Ok(())
    }

    /// Names the security group that has the name already. If it is ours, the lists did not tell of it yet, and the next
    /// look does.
    async fn whose(&self, new: &NewSecurityGroup, taken: AwsError) -> Result<AwsError, AwsError> {
        let named = WhichSecurityGroups::Named { vpc: new.vpc.clone(), names: vec![new.name.clone()] };
        let found = self.client.security_groups(&named).await?;
        let stranger = found.into_iter().find(|group| group.name == new.name);
        let ours = marks::ours(&new.tags);
        Ok(match stranger.filter(|group| !marks::carries(&group.tags, &ours)) {
            None => taken,
            Some(group) => AwsError::Foreign {
                whom: self.client.whom().to_owned(),
                kind: kinds::GUARD,
                name: format!("{} ({})", group.name, group.id),
                owner: marks::mark(&group.tags).map(|mark| mark.lb.to_string()),
            },
        })
    }

    async fn authorise(&mut self, guard: &GuardRef, rules: Vec<Rule>) -> Result<(), AwsError> {
        let id = self.guard_id(guard)?;
        for rules in rules.chunks(RULES_AT_ONCE) {
            self.client.authorize(&id, rules).await?;
            if let Some(group) = self.known_guard(&id) {
                group.ingress.extend_from_slice(rules);
            }
        }
        Ok(())
    }

    /// Nodes that cannot be opened are a problem and no failure: the others serve.
    async fn let_in(&mut self, nodes: &GuardRef, rules: Vec<Rule>) -> Result<Done, AwsError> {
        match self.authorise(nodes, rules).await {
            Ok(()) => Ok(Done::Made),
            Err(error) if is_settled(&error) => {
                self.closed = true;
                let (category, source) = (error.category(), error.source());
                let answer = source.map(|source| format!(": {source}")).unwrap_or_default();
                let message = format!(
                    "the nodes with the security group {nodes} do not let the load balancer in: {error}{answer}"
                );
                Ok(Done::With(vec![Problem { member: None, port: None, category, message }]))
            }
            Err(error) => Err(error),
        }
    }

    async fn revoke(&mut self, guard: &GuardRef, rules: &[Rule]) -> Result<(), AwsError> {
        let id = self.guard_id(guard)?;
        for rules in rules.chunks(RULES_AT_ONCE) {
            self.client.revoke(&id, rules).await?;
            if let Some(group) = self.known_guard(&id) {
                group.ingress.retain(|rule| !rules.contains(rule));
            }
        }
        Ok(())
    }
}

/// The group of ours of this name that came last. A predecessor in another network has one of the same name.
fn made_last<'a>(observed: &'a Observed, name: &str) -> Option<&'a SecurityGroup> {
    let mut ours = observed.frontend.iter().rev().chain(&observed.backend);
    ours.find(|group| group.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{made, wish};

    #[test]
    fn a_name_means_the_group_that_was_made_in_this_run() {
        let mut observed = made(&wish());
        let mut new = observed.frontend[0].clone();
        (observed.frontend[0].vpc, new.id) = ("vpc-0".into(), "sg-new".into());
        observed.frontend.push(new);
        let id = |name| made_last(&observed, name).map(|group| group.id.as_str());
        assert_eq!((id("front"), id("back"), id("other")), (Some("sg-new"), Some("sg-back"), None));
    }
}
