//! Registering and deregistering in batches, so that one target that AWS refuses costs no other.

use std::collections::BTreeMap;

use crate::api::elb::{HealthState, Target, TargetState};
use crate::api::ids::TargetGroupArn;
use crate::change::TargetChange;
use crate::client::Client;
use crate::error::AwsError;

/// Targets in one request. AWS names no limit; its own controllers send 200 and 100.
const BATCH: usize = 200;

/// A target that AWS does not take.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// Which.
    pub(crate) target: Target,
    /// What people call it.
    pub(crate) name: String,
    /// Why: an `InvalidTarget`, or a quota.
    pub(crate) why: AwsError,
}

/// Makes the targets of a group what the change says, and keeps what is known of them in step. Answers those that AWS
/// refused; all others are done.
///
/// What moved to another port goes first, then the new ones come, then the rest goes. At the quota the order of the
/// last two is turned round: a full group can only be renewed by making room first.
pub(crate) async fn carry_out(
    client: &Client,
    group: &TargetGroupArn,
    change: &TargetChange,
    registered: &mut BTreeMap<Target, TargetState>,
) -> Result<Vec<LeftOut>, AwsError> {
    let mut run = Run { client, group, registered, left_out: Vec::new() };
    run.deregister(&change.moved).await?;
    let made_room = run.register(change).await?;
    if !made_room {
        run.deregister(&change.gone).await?;
    }
    Ok(run.left_out)
}

struct Run<'a> {
    client: &'a Client,
    group: &'a TargetGroupArn,
    registered: &'a mut BTreeMap<Target, TargetState>,
    left_out: Vec<LeftOut>,
}

impl Run<'_> {
    /// One that AWS does not know any more is gone as well.
    async fn deregister(&mut self, targets: &BTreeMap<Target, String>) -> Result<(), AwsError> {
        let targets: Vec<Target> = targets.keys().cloned().collect();
        let mut work: Vec<&[Target]> = targets.chunks(BATCH).rev().collect();
        while let Some(batch) = work.pop() {
            match (self.client.deregister(self.group, batch).await, batch) {
                (Err(error), [_, _, ..]) if is_about_one(&error) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    work.extend([second, first]);
                    continue;
                }
                (Err(error), _) if !is_about_one(&error) => return Err(error),
                _ => {}
            }
            self.registered.retain(|target, _| !batch.contains(target));
        }
        Ok(())
    }

    /// Registers the new ones; answers whether those that go had to go already.
    async fn register(&mut self, change: &TargetChange) -> Result<bool, AwsError> {
        let targets: Vec<Target> = change.new.keys().cloned().collect();
        let mut made_room = false;
        let mut work: Vec<&[Target]> = targets.chunks(BATCH).rev().collect();
        while let Some(batch) = work.pop() {
            match (self.client.register(self.group, batch).await, batch) {
                (Ok(()), _) => self.registered.extend(batch.iter().map(just_registered)),
                (Err(error), _) if is_full(&error) && !made_room && !change.gone.is_empty() => {
                    self.deregister(&change.gone).await?;
                    made_room = true;
                    work.push(batch);
                }
                // Where not even one more fits, the others need not be tried.
                (Err(error), [_]) if is_full(&error) => {
                    let rest = work.drain(..).rev().flatten();
                    self.leave_out(change, batch.iter().chain(rest), &error);
                }
                (Err(error), [_]) if is_about_one(&error) => self.leave_out(change, batch, &error),
                (Err(error), _) if is_full(&error) || is_about_one(&error) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    work.extend([second, first]);
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(made_room)
    }

    fn leave_out<'t>(
        &mut self,
        change: &TargetChange,
        targets: impl IntoIterator<Item = &'t Target>,
        why: &AwsError,
    ) {
        self.left_out.extend(targets.into_iter().map(|target| LeftOut {
            target: target.clone(),
            name: change.new.get(target).unwrap_or(&target.id).clone(),
            why: why.clone(),
        }));
    }
}

fn is_full(error: &AwsError) -> bool {
    error.code() == Some("TooManyTargets")
}

/// Whether AWS refused a batch because of one target in it.
fn is_about_one(error: &AwsError) -> bool {
    matches!(error.code(), Some("InvalidTarget" | "TooManyRegistrationsForTargetId"))
}

fn just_registered(target: &Target) -> (Target, TargetState) {
    let state = TargetState {
        target: target.clone(),
        state: HealthState::Initial,
        reason: Some("Elb.RegistrationInProgress".to_owned()),
        description: None,
    };
    (target.clone(), state)
}
