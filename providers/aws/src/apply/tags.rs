//! Tags: many resources of Elastic Load Balancing in one call, security groups one by one.

use super::{Done, World};
use crate::api::Tags;
use crate::api::ids::SecurityGroupId;
use crate::change::{Retag, TagRef};
use crate::error::AwsError;

impl World<'_> {
    pub(super) async fn tags(&mut self, retag: &Retag) -> Result<Done, AwsError> {
        let removed: Vec<String> = retag.removed.iter().cloned().collect();
        let (mut arns, mut guards) = (Vec::new(), Vec::new());
        let dropped = |of: &TagRef| matches!(of, TagRef::Listener(of) if self.dropped.contains(of));
        let mut retag = retag.clone();
        retag.of.retain(|of| !dropped(of));
        let retag = &retag;
        for of in &retag.of {
            match of {
                TagRef::Balancer(name) => arns.push(self.find_balancer(name)?.it.arn.to_string()),
                TagRef::Group(name) => arns.push(self.find_group(name)?.it.arn.to_string()),
                TagRef::Listener(listener) => arns.push(self.find_listener(listener)?.it.arn.to_string()),
                TagRef::Guard(guard) => guards.push(self.guard_id(guard)?),
            }
        }
        if !arns.is_empty() {
            self.client.add_tags(&arns, &retag.set).await?;
            self.client.remove_tags(&arns, &removed).await?;
        }
        for id in &guards {
            self.client.create_tags(id, &retag.set).await?;
            self.client.delete_tags(id, &removed).await?;
        }
        self.note(retag, &guards)
    }

    fn note(&mut self, retag: &Retag, guards: &[SecurityGroupId]) -> Result<Done, AwsError> {
        let change = |tags: &mut Tags| {
            tags.retain(|key, _| !retag.removed.contains(key));
            tags.extend(retag.set.clone());
        };
        for of in &retag.of {
            match of {
                TagRef::Balancer(name) => change(&mut self.find_balancer(name)?.tags),
                TagRef::Group(name) => change(&mut self.find_group(name)?.tags),
                TagRef::Listener(listener) => change(&mut self.find_listener(listener)?.tags),
                TagRef::Guard(_) => {}
            }
        }
        for id in guards {
            self.known_guard(id).into_iter().for_each(|group| change(&mut group.tags));
        }
        Ok(Done::Made)
    }
}
