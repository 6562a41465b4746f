//! Listeners.

use landfall_core::error::Category;
use landfall_core::outcome::Problem;

use super::{Done, World};
use crate::api::elb::{ListenerSpec, LoadBalancer, NewListener, NlbProtocol};
use crate::api::ids::{ListenerArn, TargetGroupArn};
use crate::api::{Attributes, Tags};
use crate::change::{Forward, ListenerChange, ListenerPlan, ListenerRef, kinds};
use crate::error::AwsError;
use crate::observe::ListenerDetails;

impl World<'_> {
    pub(super) async fn listener(
        &mut self,
        of: &ListenerRef,
        change: ListenerChange,
    ) -> Result<Done, AwsError> {
        let client = self.client;
        match change {
            ListenerChange::Create { plan, tags, .. } => self.make_listener(of, plan, tags).await?,
            ListenerChange::Modify { to, .. } => {
                match (&to.forward, self.modify_listener(of, to.clone()).await) {
                    (Forward::Original(group), Err(error)) if error.code() == Some("TargetGroupNotFound") => {
                        let problem = not_given_back(of, group);
                        tracing::warn!(lb = client.whom(), "{}", problem.message);
                        self.delete_listener(of).await?;
                        self.dropped.push(of.clone());
                        return Ok(Done::With(vec![problem]));
                    }
                    (_, answer) => answer?,
                }
            }
            ListenerChange::AddCertificate(certificate) => {
                let listener = self.find_listener(of)?;
                client.add_certificate(&listener.it.arn, &certificate).await?;
                listener.certificates.insert(certificate);
            }
            ListenerChange::RemoveCertificate(certificate) => {
                let listener = self.find_listener(of)?;
                client.remove_certificate(&listener.it.arn, &certificate).await?;
                listener.certificates.remove(&certificate);
            }
            ListenerChange::Attributes(change) => {
                let listener = self.find_listener(of)?;
                client.modify_listener_attributes(&listener.it.arn, &change.set()).await?;
                listener.attributes.extend(change.set());
            }
            ListenerChange::Delete => self.delete_listener(of).await?,
        }
        Ok(Done::Made)
    }

    async fn delete_listener(&mut self, of: &ListenerRef) -> Result<(), AwsError> {
        self.before_deleting(of).await?;
        let listener = self.find_listener(of)?.clone();
        let arn: ListenerArn = listener.it.arn.clone();
        self.client.delete_listener(&arn).await?;
        self.renewal.deleted(of, listener);
        let it = self.change_listeners(of, |all| all.retain(|other| other.it.arn != arn))?;
        self.relink(&it);
        Ok(())
    }

    async fn make_listener(
        &mut self,
        of: &ListenerRef,
        plan: ListenerPlan,
        tags: Tags,
    ) -> Result<(), AwsError> {
        let balancer = self.find_balancer(&of.balancer)?.it.arn.clone();
        let spec = self.spec(plan)?;
        self.add_listener(of, NewListener { balancer, port: of.port, spec, tags }).await
    }

    pub(super) async fn add_listener(&mut self, of: &ListenerRef, new: NewListener) -> Result<(), AwsError> {
        let it = self.client.create_listener(&new).await?;
        let (certificates, attributes) = (std::collections::BTreeSet::new(), Attributes::new());
        let made = ListenerDetails { it, certificates, attributes, tags: new.tags };
        let balancer = self.change_listeners(of, |all| all.push(made))?;
        self.relink(&balancer);
        Ok(())
    }

    async fn modify_listener(&mut self, of: &ListenerRef, to: ListenerPlan) -> Result<(), AwsError> {
        let spec = self.spec(to)?;
        let client = self.client;
        let listener = self.find_listener(of)?;
        client.modify_listener(&listener.it.arn, &spec).await?;
        if spec.protocol != Some(NlbProtocol::Tls) {
            listener.certificates.clear();
        }
        listener.it.spec = spec;
        let it = self.change_listeners(of, |_| ())?;
        self.relink(&it);
        Ok(())
    }

    fn spec(&mut self, plan: ListenerPlan) -> Result<ListenerSpec, AwsError> {
        let forward: TargetGroupArn = match plan.forward {
            Forward::Ours(name) => self.find_group(&name)?.it.arn.clone(),
            Forward::Original(arn) => arn,
        };
        Ok(ListenerSpec {
            protocol: Some(plan.protocol),
            forward: Some(forward),
            certificate: plan.certificate,
            ssl_policy: plan.ssl_policy,
            alpn: plan.alpn,
        })
    }

    pub(super) fn find_listener(&mut self, of: &ListenerRef) -> Result<&mut ListenerDetails, AwsError> {
        let lost = self.lost(kinds::LISTENER, &of.to_string());
        let details = self.find_balancer(&of.balancer)?.details.as_mut();
        let mut listeners = details.into_iter().flat_map(|details| &mut details.listeners);
        listeners.find(|listener| listener.it.port == of.port).ok_or(lost)
    }

    /// Changes the list of listeners; answers the load balancer.
    fn change_listeners(
        &mut self,
        of: &ListenerRef,
        change: impl FnOnce(&mut Vec<ListenerDetails>),
    ) -> Result<LoadBalancer, AwsError> {
        let balancer = self.find_balancer(&of.balancer)?;
        change(&mut balancer.details.get_or_insert_default().listeners);
        Ok(balancer.it.clone())
    }
}

/// A listener must forward to something, and what it forwarded to before it was taken over was deleted since. Ours is
/// about to go, so nothing is left for it.
fn not_given_back(of: &ListenerRef, group: &TargetGroupArn) -> Problem {
    let message = format!(
        "the listener {of} was there before it was taken over, and the target group {group} that it forwarded to then \
         does not exist any more: it is deleted, because a listener must forward to something"
    );
    Problem { member: None, port: None, category: Category::new("OriginalVanished"), message }
}
