//! Listeners that go for another shape of their load balancer and are made anew in that: neither shape has room for both.
//! What is between may fail, and then they come back.

use std::collections::BTreeSet;
use std::mem;

use super::World;
use crate::api::Action;
use crate::api::elb::NewListener;
use crate::change::{BalancerChange, Change, ListenerChange, ListenerRef, Meanwhile};
use crate::error::{AwsError, leaves_doubt};
use crate::observe::ListenerDetails;

/// How far that is.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// The request that changes the shape, until its turn is taken.
    reshape: Option<Action>,
    /// Listeners that are deleted and then made.
    renewed: BTreeSet<ListenerRef>,
    /// Listeners that are gone and not made yet, as they were.
    away: Vec<(ListenerRef, Meanwhile)>,
}

impl Renewal {
    pub(super) fn of(changes: &[Change]) -> Self {
        let (mut deleted, mut made, mut away) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for change in changes {
            match change {
                Change::Listener(of, ListenerChange::Delete) => {
                    deleted.insert(of.clone());
                }
                Change::Listener(of, ListenerChange::Create { meanwhile, .. }) => {
                    made.insert(of.clone());
                    away.extend(meanwhile.iter().map(|was| (of.clone(), was.clone())));
                }
                _ => {}
            }
        }
        let reshape = changes.iter().find_map(|change| match change {
            Change::Balancer(_, BalancerChange::Subnets { .. }) => Some(Action::SetSubnets),
            Change::Balancer(_, BalancerChange::AddressType { .. }) => Some(Action::SetIpAddressType),
            _ => None,
        });
        Self { reshape, renewed: deleted.intersection(&made).cloned().collect(), away }
    }

    /// The shape is the new one: what was there before has no room any more.
    pub(super) fn reshaped(&mut self) {
        self.away.clear();
    }

    /// A listener was deleted.
    pub(super) fn deleted(&mut self, of: &ListenerRef, listener: ListenerDetails) {
        if self.renewed.contains(of) {
            let ListenerDetails { it, attributes, tags, .. } = listener;
            self.away.push((of.clone(), Meanwhile { spec: it.spec, attributes, tags }));
        }
    }
}

impl World<'_> {
    /// Takes the turn of what a listener is deleted for, so that it is not away while that waits in line, which can be
    /// for minutes.
    pub(super) async fn before_deleting(&mut self, of: &ListenerRef) -> Result<(), AwsError> {
        match self.renewal.reshape.take_if(|_| self.renewal.renewed.contains(of)) {
            Some(action) => self.client.take_turn(action).await,
            None => Ok(()),
        }
    }

    /// Makes those listeners again that are away, after a failure. Be it in doubt: if the shape is the new one after all,
    /// AWS refuses them, and the next run finds out. Answers the failure, and what did not come back.
    pub(super) async fn put_back(&mut self, failure: AwsError) -> AwsError {
        let (mut listeners, mut first) = (Vec::new(), None);
        for (of, was) in mem::take(&mut self.renewal.away) {
            if let Err(error) = self.put_back_one(&of, was).await {
                tracing::warn!(lb = self.client.whom(), listener = %of, %error, "is away until the next attempt");
                self.unsure |= leaves_doubt(&error);
                listeners.push(of.to_string());
                first.get_or_insert(Box::new(error));
            }
        }
        match first {
            None => failure,
            Some(why) => {
                let whom = self.client.whom().to_owned();
                AwsError::ListenerAway { whom, listeners, why, source: Box::new(failure) }
            }
        }
    }

    async fn put_back_one(&mut self, of: &ListenerRef, was: Meanwhile) -> Result<(), AwsError> {
        let balancer = self.find_balancer(&of.balancer)?.it.arn.clone();
        let Meanwhile { spec, attributes, tags } = was;
        self.add_listener(of, NewListener { balancer, port: of.port, spec, tags }).await?;
        if attributes.is_empty() {
            return Ok(());
        }
        let client = self.client;
        let listener = self.find_listener(of)?;
        client.modify_listener_attributes(&listener.it.arn, &attributes).await?;
        listener.attributes = attributes;
        Ok(())
    }
}
