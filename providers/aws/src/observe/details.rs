//! Reading what no list tells.

use std::collections::BTreeSet;

use super::{BalancerDetails, ListenerDetails, Observed};
use crate::account::needs::Needs;
use crate::api::ec2::{SecurityGroup, WhichSecurityGroups};
use crate::api::elb::{Listener, NlbProtocol};
use crate::api::ids::{LoadBalancerArn, SecurityGroupId};
use crate::api::{Attributes, Tags};
use crate::client::Client;
use crate::error::AwsError;

/// Reads what is needed into what is known.
pub(super) async fn read(client: &Client, needs: &Needs, observed: &mut Observed) -> Result<(), AwsError> {
    for balancer in &mut observed.balancers {
        if needs.balancers.contains(&balancer.it.arn) {
            balancer.details = Some(of_balancer(client, &balancer.it.arn).await?);
        }
    }
    for group in &mut observed.groups {
        if needs.attributes.contains(&group.it.arn) {
            group.attributes = Some(client.group_attributes(&group.it.arn).await?);
        }
        if needs.targets.contains(&group.it.arn) {
            let states = client.target_health(&group.it.arn).await?;
            group.targets = Some(states.into_iter().map(|state| (state.target.clone(), state)).collect());
        }
    }
    Ok(())
}

/// Everything about a load balancer.
pub(super) async fn of_balancer(client: &Client, arn: &LoadBalancerArn) -> Result<BalancerDetails, AwsError> {
    Ok(BalancerDetails {
        attributes: client.balancer_attributes(arn).await?,
        capacity: client.capacity(arn).await?,
        listeners: listeners(client, arn).await?,
    })
}

/// The listeners of a load balancer.
pub(super) async fn listeners(
    client: &Client,
    arn: &LoadBalancerArn,
) -> Result<Vec<ListenerDetails>, AwsError> {
    let listeners = client.listeners(arn).await?;
    let arns: Vec<String> = listeners.iter().map(|listener| listener.arn.to_string()).collect();
    let mut tags = client.tags(&arns).await?;
    let mut all = Vec::with_capacity(listeners.len());
    for it in listeners {
        let at = tags.iter().position(|(arn, _)| arn == it.arn.as_str());
        let tags = at.map(|at| tags.swap_remove(at).1).unwrap_or_default();
        all.push(of_listener(client, it, tags).await?);
    }
    Ok(all)
}

async fn of_listener(client: &Client, it: Listener, tags: Tags) -> Result<ListenerDetails, AwsError> {
    let attributes = match it.spec.protocol {
        Some(protocol) if protocol.has_idle_timeout() => client.listener_attributes(&it.arn).await?,
        _ => Attributes::new(),
    };
    let certificates = match it.spec.protocol {
        Some(NlbProtocol::Tls) => client.certificates(&it.arn).await?,
        _ => Vec::new(),
    };
    // The API documentation has the default certificate in this list, too; it is no additional one.
    let default = it.spec.certificate.clone();
    let certificates: BTreeSet<String> =
        certificates.into_iter().filter(|certificate| Some(certificate) != default.as_ref()).collect();
    Ok(ListenerDetails { it, certificates, attributes, tags })
}

/// Security groups with these ids.
pub(super) async fn security_groups(
    client: &Client,
    ids: Vec<SecurityGroupId>,
) -> Result<Vec<SecurityGroup>, AwsError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    client.security_groups(&WhichSecurityGroups::Known(ids)).await
}
