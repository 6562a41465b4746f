//! Listeners that go for another shape of their load balancer and are made anew in that: neither shape has room for both.
//! What is between may fail, and then they come back.

use std::collections::BTreeSet;
use std::mem;

use super::{World, is_settled};
use crate::api::Action;
use crate::api::elb::NewListener;
use crate::change::{BalancerChange, Change, ListenerChange, ListenerRef, Meanwhile};
use crate::error::{AwsError, leaves_doubt};
use crate::observe::ListenerDetails;

/// How far that is.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// The request that changes the shape, and those that delete and make listeners while some are away for it; until
    /// their turns are taken.
    turns: Vec<Action>,
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
        let renewed: BTreeSet<_> = deleted.intersection(&made).cloned().collect();
        let turns = reshape.into_iter().chain(while_away(changes, &renewed)).collect();
        Self { turns, renewed, away }
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
    /// Takes the turns of what a listener is deleted for, and of what brings it back, so that it is not away while either
    /// waits in line, which can be for minutes.
    pub(super) async fn before_deleting(&mut self, of: &ListenerRef) -> Result<(), AwsError> {
        if self.renewal.renewed.contains(of) {
            for action in mem::take(&mut self.renewal.turns) {
                self.client.take_turn(action).await?;
            }
        }
        Ok(())
    }

    /// Takes note of what AWS answered to another shape. Once that is the new one, what was there before has no room any
    /// more.
    pub(super) fn reshaped(&mut self, answer: Result<(), AwsError>) -> Result<(), AwsError> {
        match &answer {
            Ok(()) => {
                self.renewal.away.clear();
                self.shape = Some(Ok(()));
            }
            Err(error) if is_settled(error) => {
                let why = error.answer().map_or_else(|| error.to_string(), ToString::to_string);
                self.shape = Some(Err(why));
            }
            Err(_) => {}
        }
        answer
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

/// The requests that delete or make listeners from the first that goes to the last that comes back.
fn while_away(changes: &[Change], renewed: &BTreeSet<ListenerRef>) -> Vec<Action> {
    let is_renewed = |change: &Change| match change {
        Change::Listener(of, ListenerChange::Delete | ListenerChange::Create { .. }) => renewed.contains(of),
        _ => false,
    };
    let (Some(first), Some(last)) =
        (changes.iter().position(is_renewed), changes.iter().rposition(is_renewed))
    else {
        return Vec::new();
    };
    let action = |change: &Change| match change {
        Change::Listener(_, ListenerChange::Delete) => Some(Action::DeleteListener),
        Change::Listener(_, ListenerChange::Create { .. }) => Some(Action::CreateListener),
        _ => None,
    };
    changes.iter().take(last + 1).skip(first).filter_map(action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Tags;
    use crate::api::elb::{AddressType, NlbProtocol};
    use crate::change::{Forward, ListenerPlan};

    fn listener(port: u16) -> ListenerRef {
        ListenerRef { balancer: "nlb".to_owned(), port }
    }

    fn goes(port: u16) -> Change {
        Change::Listener(listener(port), ListenerChange::Delete)
    }

    fn comes(port: u16) -> Change {
        let plan = ListenerPlan {
            protocol: NlbProtocol::Udp,
            forward: Forward::Ours("web".to_owned()),
            certificate: None,
            ssl_policy: None,
            alpn: None,
        };
        let create = ListenerChange::Create { plan, tags: Tags::new(), meanwhile: None };
        Change::Listener(listener(port), create)
    }

    fn shape() -> Change {
        let (from, to) = (AddressType::Dualstack, AddressType::Ipv4);
        Change::Balancer("nlb".to_owned(), BalancerChange::AddressType { from, to })
    }

    #[test]
    fn turns_are_taken_of_all_that_happens_while_listeners_are_away() {
        use Action::{CreateListener, DeleteListener, SetIpAddressType};
        // 80 only goes and 81 only comes; 79 goes before anything is away, and 82 comes after that.
        let changes =
            [goes(79), goes(53), goes(80), goes(54), comes(81), shape(), comes(53), comes(54), comes(82)];
        let renewal = Renewal::of(&changes);
        assert_eq!(renewal.renewed, BTreeSet::from([listener(53), listener(54)]));
        let (gone, made) = ([DeleteListener; 3], [CreateListener; 3]);
        assert_eq!(renewal.turns, [&[SetIpAddressType][..], &gone, &made].concat());
    }

    #[test]
    fn nothing_waits_beforehand_where_nothing_is_away() {
        let renewal = Renewal::of(&[goes(53), comes(54)]);
        assert_eq!((renewal.turns, renewal.renewed), (Vec::new(), BTreeSet::new()));
    }
}
