//! Tags of load balancers, target groups and listeners.

use landfall_aws::api::Tags;
use landfall_aws::api::elb::TAGS_AT_ONCE;

use super::names;
use super::refused::{Done, refuse};
use super::state::State;

/// How tags are told that AWS does not tell in full yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateTags {
    /// As if there were none.
    Empty,
    /// The answer leaves the resource out.
    LeftOut,
}

impl State {
    pub(super) fn read_tags(&self, arns: &[String]) -> Done<Vec<(String, Tags)>> {
        check_count(arns)?;
        let mut told = Vec::with_capacity(arns.len());
        for arn in arns {
            let tags = self.tags_of(arn)?.clone();
            match self.late_tags.get(arn) {
                None => told.push((arn.clone(), tags)),
                Some(LateTags::Empty) => told.push((arn.clone(), Tags::new())),
                Some(LateTags::LeftOut) => {}
            }
        }
        Ok(told)
    }

    pub(super) fn add_tags(&mut self, arns: &[String], tags: &Tags) -> Done<()> {
        check_count(arns)?;
        for arn in arns {
            let mut all = self.tags_of(arn)?.clone();
            all.extend(tags.clone());
            names::tags(&all, "TooManyTags")?;
        }
        for arn in arns {
            self.tags.entry(arn.clone()).or_default().extend(tags.clone());
        }
        Ok(())
    }

    pub(super) fn remove_tags(&mut self, arns: &[String], keys: &[String]) -> Done<()> {
        check_count(arns)?;
        for arn in arns {
            self.tags_of(arn)?;
        }
        for arn in arns {
            self.tags.entry(arn.clone()).or_default().retain(|key, _| !keys.contains(key));
        }
        Ok(())
    }

    fn tags_of(&self, arn: &str) -> Done<&Tags> {
        if let Some(tags) = self.tags.get(arn) {
            return Ok(tags);
        }
        let code = match arn {
            _ if arn.contains(":loadbalancer/") => "LoadBalancerNotFound",
            _ if arn.contains(":targetgroup/") => "TargetGroupNotFound",
            _ if arn.contains(":listener/") => "ListenerNotFound",
            _ => "ValidationError",
        };
        refuse(code, format!("'{arn}' not found"))
    }
}

fn check_count(arns: &[String]) -> Done<()> {
    if (1..=TAGS_AT_ONCE).contains(&arns.len()) {
        return Ok(());
    }
    refuse("ValidationError", format!("{} resources given, from 1 to {TAGS_AT_ONCE} can be", arns.len()))
}
