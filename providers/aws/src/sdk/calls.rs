//! One request per method.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerTypeEnum, MinimumLoadBalancerCapacity};

use super::errors::{failed, unreadable};
use super::{ElbClient, answers, questions};
use crate::api::elb::{
    AddressType, Elb, HealthCheck, Listener, ListenerSpec, LoadBalancer, NewListener, NewLoadBalancer,
    NewTargetGroup, SubnetChange, Target, TargetGroup, TargetState, WhichBalancers, WhichGroups,
};
use crate::api::ids::{ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn};
use crate::api::{Action, Answer, Attributes, Page, Tags};

/// The most that the API puts on a page.
const PAGE_SIZE: i32 = 400;

#[async_trait]
impl Elb for ElbClient {
    async fn load_balancers(
        &self,
        which: &WhichBalancers,
        marker: Option<&str>,
    ) -> Answer<Page<LoadBalancer>> {
        let action = Action::DescribeLoadBalancers;
        let request = self.sdk.describe_load_balancers().set_marker(marker.map(str::to_owned));
        let request = match which {
            WhichBalancers::All => request.page_size(PAGE_SIZE),
            WhichBalancers::Named(names) => request.set_names(Some(names.clone())),
            WhichBalancers::Known(arns) => {
                request.set_load_balancer_arns(Some(texts(arns, LoadBalancerArn::as_str)))
            }
        };
        let output = request.send().await.map_err(failed(action))?;
        let items = answers::all(output.load_balancers, answers::balancer).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_marker) })
    }

    async fn target_groups(&self, which: &WhichGroups, marker: Option<&str>) -> Answer<Page<TargetGroup>> {
        let action = Action::DescribeTargetGroups;
        let request = self.sdk.describe_target_groups().set_marker(marker.map(str::to_owned));
        let request = match which {
            WhichGroups::All => request.page_size(PAGE_SIZE),
            WhichGroups::Named(names) => request.set_names(Some(names.clone())),
            WhichGroups::Of(balancer) => request.load_balancer_arn(balancer.as_str()).page_size(PAGE_SIZE),
        };
        let output = request.send().await.map_err(failed(action))?;
        let items = answers::all(output.target_groups, answers::group).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_marker) })
    }

    async fn tags(&self, arns: &[String]) -> Answer<Vec<(String, Tags)>> {
        let action = Action::DescribeTags;
        let request = self.sdk.describe_tags().set_resource_arns(Some(arns.to_vec()));
        let output = request.send().await.map_err(failed(action))?;
        answers::all(output.tag_descriptions, answers::tags_of_one).map_err(unreadable(action))
    }

    async fn listeners(&self, of: &LoadBalancerArn, marker: Option<&str>) -> Answer<Page<Listener>> {
        let action = Action::DescribeListeners;
        let request = self.sdk.describe_listeners().load_balancer_arn(of.as_str()).page_size(PAGE_SIZE);
        let output = request.set_marker(marker.map(str::to_owned)).send().await.map_err(failed(action))?;
        let items = answers::all(output.listeners, answers::listener).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_marker) })
    }

    async fn certificates(&self, of: &ListenerArn, marker: Option<&str>) -> Answer<Page<String>> {
        let action = Action::DescribeListenerCertificates;
        let request =
            self.sdk.describe_listener_certificates().listener_arn(of.as_str()).page_size(PAGE_SIZE);
        let output = request.set_marker(marker.map(str::to_owned)).send().await.map_err(failed(action))?;
        let items = answers::extra_certificates(output.certificates).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_marker) })
    }

    async fn listener_attributes(&self, of: &ListenerArn) -> Answer<Attributes> {
        let action = Action::DescribeListenerAttributes;
        let request = self.sdk.describe_listener_attributes().listener_arn(of.as_str());
        let output = request.send().await.map_err(failed(action))?;
        let pairs = output.attributes.into_iter().flatten().map(|pair| (pair.key, pair.value));
        answers::attributes(of.as_str(), pairs).map_err(unreadable(action))
    }

    async fn balancer_attributes(&self, of: &LoadBalancerArn) -> Answer<Attributes> {
        let action = Action::DescribeLoadBalancerAttributes;
        let request = self.sdk.describe_load_balancer_attributes().load_balancer_arn(of.as_str());
        let output = request.send().await.map_err(failed(action))?;
        let pairs = output.attributes.into_iter().flatten().map(|pair| (pair.key, pair.value));
        answers::attributes(of.as_str(), pairs).map_err(unreadable(action))
    }

    async fn group_attributes(&self, of: &TargetGroupArn) -> Answer<Attributes> {
        let action = Action::DescribeTargetGroupAttributes;
        let request = self.sdk.describe_target_group_attributes().target_group_arn(of.as_str());
        let output = request.send().await.map_err(failed(action))?;
        let pairs = output.attributes.into_iter().flatten().map(|pair| (pair.key, pair.value));
        answers::attributes(of.as_str(), pairs).map_err(unreadable(action))
    }

    async fn target_health(&self, of: &TargetGroupArn) -> Answer<Vec<TargetState>> {
        let action = Action::DescribeTargetHealth;
        let request = self.sdk.describe_target_health().target_group_arn(of.as_str());
        let output = request.send().await.map_err(failed(action))?;
        answers::all(output.target_health_descriptions, answers::target_state).map_err(unreadable(action))
    }

    async fn limits(&self, marker: Option<&str>) -> Answer<Page<(String, String)>> {
        let action = Action::DescribeAccountLimits;
        let request = self.sdk.describe_account_limits().page_size(PAGE_SIZE);
        let output = request.set_marker(marker.map(str::to_owned)).send().await.map_err(failed(action))?;
        let items = answers::all(output.limits, answers::limit).map_err(unreadable(action))?;
        Ok(Page { items, next: answers::next(output.next_marker) })
    }

    async fn capacity(&self, of: &LoadBalancerArn) -> Answer<Option<u32>> {
        let action = Action::DescribeCapacityReservation;
        let request = self.sdk.describe_capacity_reservation().load_balancer_arn(of.as_str());
        let output = request.send().await.map_err(failed(action))?;
        answers::capacity(of.as_str(), output.minimum_load_balancer_capacity).map_err(unreadable(action))
    }

    async fn create_balancer(&self, new: &NewLoadBalancer) -> Answer<LoadBalancer> {
        let action = Action::CreateLoadBalancer;
        let groups = texts(&new.security_groups, SecurityGroupId::as_str);
        let request = self
            .sdk
            .create_load_balancer()
            .name(&new.name)
            .r#type(LoadBalancerTypeEnum::Network)
            .scheme(questions::scheme(new.scheme))
            .ip_address_type(questions::address_type(new.address_type))
            .set_subnet_mappings(Some(questions::subnets(&new.subnets)))
            .set_security_groups((!groups.is_empty()).then_some(groups))
            .set_enable_prefix_for_ipv6_source_nat(new.source_nat.then(|| questions::source_nat(true)))
            .set_tags(questions::tags(&new.tags));
        let output = request.send().await.map_err(failed(action))?;
        answers::the_one("LoadBalancer", output.load_balancers)
            .and_then(answers::balancer)
            .map_err(unreadable(action))
    }

    async fn delete_balancer(&self, arn: &LoadBalancerArn) -> Answer<()> {
        let request = self.sdk.delete_load_balancer().load_balancer_arn(arn.as_str());
        request.send().await.map(drop).map_err(failed(Action::DeleteLoadBalancer))
    }

    async fn modify_balancer_attributes(&self, arn: &LoadBalancerArn, set: &Attributes) -> Answer<()> {
        let request = self.sdk.modify_load_balancer_attributes().load_balancer_arn(arn.as_str());
        let request = request.set_attributes(Some(questions::balancer_attributes(set)));
        request.send().await.map(drop).map_err(failed(Action::ModifyLoadBalancerAttributes))
    }

    async fn set_subnets(&self, arn: &LoadBalancerArn, to: &SubnetChange) -> Answer<()> {
        let request = self
            .sdk
            .set_subnets()
            .load_balancer_arn(arn.as_str())
            .set_subnet_mappings(Some(questions::subnets(&to.subnets)))
            .ip_address_type(questions::address_type(to.address_type))
            .enable_prefix_for_ipv6_source_nat(questions::source_nat(to.source_nat));
        request.send().await.map(drop).map_err(failed(Action::SetSubnets))
    }

    async fn set_security_groups(
        &self,
        arn: &LoadBalancerArn,
        groups: &[SecurityGroupId],
        private_link_rules: Option<bool>,
    ) -> Answer<()> {
        let request = self
            .sdk
            .set_security_groups()
            .load_balancer_arn(arn.as_str())
            .set_security_groups(Some(texts(groups, SecurityGroupId::as_str)))
            .set_enforce_security_group_inbound_rules_on_private_link_traffic(
                private_link_rules.map(questions::private_link),
            );
        request.send().await.map(drop).map_err(failed(Action::SetSecurityGroups))
    }

    async fn set_address_type(&self, arn: &LoadBalancerArn, to: AddressType) -> Answer<()> {
        let request = self.sdk.set_ip_address_type().load_balancer_arn(arn.as_str());
        let request = request.ip_address_type(questions::address_type(to));
        request.send().await.map(drop).map_err(failed(Action::SetIpAddressType))
    }

    async fn modify_capacity(&self, arn: &LoadBalancerArn, units: Option<u32>) -> Answer<()> {
        let request = self.sdk.modify_capacity_reservation().load_balancer_arn(arn.as_str());
        let request = match units {
            // More than the API's integer holds is more than anybody can have; the largest is refused by its answer.
            Some(units) => request.minimum_load_balancer_capacity(
                MinimumLoadBalancerCapacity::builder()
                    .capacity_units(i32::try_from(units).unwrap_or(i32::MAX))
                    .build(),
            ),
            None => request.reset_capacity_reservation(true),
        };
        request.send().await.map(drop).map_err(failed(Action::ModifyCapacityReservation))
    }

    async fn create_group(&self, new: &NewTargetGroup) -> Answer<TargetGroup> {
        let action = Action::CreateTargetGroup;
        let request = self
            .sdk
            .create_target_group()
            .name(&new.name)
            .protocol(questions::protocol(new.protocol))
            .port(new.port.into())
            .vpc_id(new.vpc.as_str())
            .target_type(questions::target_type(new.targets))
            .ip_address_type(questions::family(new.family))
            .health_check_protocol(questions::health_protocol(new.health.protocol))
            .health_check_port(questions::health_port(&new.health))
            .set_health_check_path(new.health.path.clone())
            .set_matcher(questions::matcher(&new.health))
            .health_check_interval_seconds(new.health.interval.into())
            .health_check_timeout_seconds(new.health.timeout.into())
            .healthy_threshold_count(new.health.healthy.into())
            .unhealthy_threshold_count(new.health.unhealthy.into())
            .set_tags(questions::tags(&new.tags));
        let output = request.send().await.map_err(failed(action))?;
        answers::the_one("TargetGroup", output.target_groups)
            .and_then(answers::group)
            .map_err(unreadable(action))
    }

    async fn modify_group(&self, arn: &TargetGroupArn, health: &HealthCheck) -> Answer<()> {
        let request = self
            .sdk
            .modify_target_group()
            .target_group_arn(arn.as_str())
            .health_check_protocol(questions::health_protocol(health.protocol))
            .health_check_port(questions::health_port(health))
            .set_health_check_path(health.path.clone())
            .set_matcher(questions::matcher(health))
            .health_check_interval_seconds(health.interval.into())
            .health_check_timeout_seconds(health.timeout.into())
            .healthy_threshold_count(health.healthy.into())
            .unhealthy_threshold_count(health.unhealthy.into());
        request.send().await.map(drop).map_err(failed(Action::ModifyTargetGroup))
    }

    async fn modify_group_attributes(&self, arn: &TargetGroupArn, set: &Attributes) -> Answer<()> {
        let request = self.sdk.modify_target_group_attributes().target_group_arn(arn.as_str());
        let request = request.set_attributes(Some(questions::group_attributes(set)));
        request.send().await.map(drop).map_err(failed(Action::ModifyTargetGroupAttributes))
    }

    async fn delete_group(&self, arn: &TargetGroupArn) -> Answer<()> {
        let request = self.sdk.delete_target_group().target_group_arn(arn.as_str());
        request.send().await.map(drop).map_err(failed(Action::DeleteTargetGroup))
    }

    async fn register(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()> {
        let request = self.sdk.register_targets().target_group_arn(group.as_str());
        let request = request.set_targets(Some(questions::targets(targets)));
        request.send().await.map(drop).map_err(failed(Action::RegisterTargets))
    }

    async fn deregister(&self, group: &TargetGroupArn, targets: &[Target]) -> Answer<()> {
        let request = self.sdk.deregister_targets().target_group_arn(group.as_str());
        let request = request.set_targets(Some(questions::targets(targets)));
        request.send().await.map(drop).map_err(failed(Action::DeregisterTargets))
    }

    async fn create_listener(&self, new: &NewListener) -> Answer<Listener> {
        let action = Action::CreateListener;
        let request = self
            .sdk
            .create_listener()
            .load_balancer_arn(new.balancer.as_str())
            .port(new.port.into())
            .set_protocol(new.spec.protocol.map(questions::protocol))
            .set_default_actions(questions::forward(&new.spec))
            .set_certificates(new.spec.certificate.as_deref().map(|arn| vec![questions::certificate(arn)]))
            .set_ssl_policy(new.spec.ssl_policy.clone())
            .set_alpn_policy(questions::alpn(&new.spec))
            .set_tags(questions::tags(&new.tags));
        let output = request.send().await.map_err(failed(action))?;
        answers::the_one("Listener", output.listeners).and_then(answers::listener).map_err(unreadable(action))
    }

    async fn modify_listener(&self, arn: &ListenerArn, to: &ListenerSpec) -> Answer<()> {
        let request = self
            .sdk
            .modify_listener()
            .listener_arn(arn.as_str())
            .set_protocol(to.protocol.map(questions::protocol))
            .set_default_actions(questions::forward(to))
            .set_certificates(to.certificate.as_deref().map(|arn| vec![questions::certificate(arn)]))
            .set_ssl_policy(to.ssl_policy.clone())
            .set_alpn_policy(questions::alpn(to));
        request.send().await.map(drop).map_err(failed(Action::ModifyListener))
    }

    async fn modify_listener_attributes(&self, arn: &ListenerArn, set: &Attributes) -> Answer<()> {
        let request = self.sdk.modify_listener_attributes().listener_arn(arn.as_str());
        let request = request.set_attributes(Some(questions::listener_attributes(set)));
        request.send().await.map(drop).map_err(failed(Action::ModifyListenerAttributes))
    }

    async fn delete_listener(&self, arn: &ListenerArn) -> Answer<()> {
        let request = self.sdk.delete_listener().listener_arn(arn.as_str());
        request.send().await.map(drop).map_err(failed(Action::DeleteListener))
    }

    async fn add_certificate(&self, to: &ListenerArn, certificate: &str) -> Answer<()> {
        let request = self.sdk.add_listener_certificates().listener_arn(to.as_str());
        let request = request.certificates(questions::certificate(certificate));
        request.send().await.map(drop).map_err(failed(Action::AddListenerCertificates))
    }

    async fn remove_certificate(&self, from: &ListenerArn, certificate: &str) -> Answer<()> {
        let request = self.sdk.remove_listener_certificates().listener_arn(from.as_str());
        let request = request.certificates(questions::certificate(certificate));
        request.send().await.map(drop).map_err(failed(Action::RemoveListenerCertificates))
    }

    async fn add_tags(&self, arns: &[String], tags: &Tags) -> Answer<()> {
        let request = self.sdk.add_tags().set_resource_arns(Some(arns.to_vec()));
        request.set_tags(questions::tags(tags)).send().await.map(drop).map_err(failed(Action::AddTags))
    }

    async fn remove_tags(&self, arns: &[String], keys: &[String]) -> Answer<()> {
        let request = self.sdk.remove_tags().set_resource_arns(Some(arns.to_vec()));
        let request = request.set_tag_keys(Some(keys.to_vec()));
        request.send().await.map(drop).map_err(failed(Action::RemoveTags))
    }
}

fn texts<T>(ids: &[T], text: fn(&T) -> &str) -> Vec<String> {
    ids.iter().map(|id| text(id).to_owned()).collect()
}
