//! Both APIs, answering what a test has written down.

use std::any::Any;
use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::api::ec2::*;
use crate::api::elb::*;
use crate::api::error::Failure;
use crate::api::ids::*;
use crate::api::{Action, Answer, ApiError, Attributes, Page, Tags};

/// Answers in the order written down; `NotWritten` after that.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Line>>,
    calls: Mutex<Vec<(&'static str, String)>>,
}

enum Line {
    /// An `Answer` of the type that the call has.
    Answer(Box<dyn Any + Send>),
    Failure(Failure),
    Never,
}

pub(super) fn answered(code: &str, status: u16) -> Failure {
    Failure::Answered { code: code.to_owned(), message: String::new(), status, request_id: None }
}

impl Script {
    pub(super) fn then<T: Send + 'static>(&self, answer: T) -> &Self {
        self.push(Line::Answer(Box::new(answer)))
    }

    pub(super) fn then_fails(&self, failure: Failure) -> &Self {
        self.push(Line::Failure(failure))
    }

    pub(super) fn then_hangs(&self) -> &Self {
        self.push(Line::Never)
    }

    /// The calls made so far: method and arguments.
    pub(super) fn calls(&self) -> Vec<(&'static str, String)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: Line) -> &Self {
        self.answers.lock().unwrap().push_back(line);
        self
    }

    async fn next<T: 'static>(&self, method: &'static str, arguments: String) -> Answer<T> {
        self.calls.lock().unwrap().push((method, arguments));
        let line = self.answers.lock().unwrap().pop_front();
        // The action is the client's to know.
        let failed = |kind| Err(ApiError { action: Action::DescribeVpcs, kind });
        match line {
            Some(Line::Answer(answer)) => Ok(*answer.downcast().expect("the answer is of another type")),
            Some(Line::Failure(failure)) => failed(failure),
            Some(Line::Never) => pending().await,
            None => failed(answered("NotWritten", 400)),
        }
    }
}

macro_rules! scripted {
    ($api:ident: $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $api for Script {
            $(async fn $method(&self, $($argument: $type),*) -> Answer<$answer> {
                let arguments: Vec<String> = vec![$(format!("{:?}", $argument)),*];
                self.next(stringify!($method), arguments.join(", ")).await
            })*
        }
    };
}

scripted! { Elb:
    load_balancers(which: &WhichBalancers, marker: Option<&str>) -> Page<LoadBalancer>;
    target_groups(which: &WhichGroups, marker: Option<&str>) -> Page<TargetGroup>;
    tags(arns: &[String]) -> Vec<(String, Tags)>;
    listeners(of: &LoadBalancerArn, marker: Option<&str>) -> Page<Listener>;
    certificates(of: &ListenerArn, marker: Option<&str>) -> Page<String>;
    listener_attributes(of: &ListenerArn) -> Attributes;
    balancer_attributes(of: &LoadBalancerArn) -> Attributes;
    group_attributes(of: &TargetGroupArn) -> Attributes;
    target_health(of: &TargetGroupArn) -> Vec<TargetState>;
    limits(marker: Option<&str>) -> Page<(String, String)>;
    capacity(of: &LoadBalancerArn) -> Option<u32>;
    create_balancer(new: &NewLoadBalancer) -> LoadBalancer;
    delete_balancer(arn: &LoadBalancerArn) -> ();
    modify_balancer_attributes(arn: &LoadBalancerArn, set: &Attributes) -> ();
    set_subnets(arn: &LoadBalancerArn, to: &SubnetChange) -> ();
    set_security_groups(arn: &LoadBalancerArn, groups: &[SecurityGroupId], flag: Option<bool>) -> ();
    set_address_type(arn: &LoadBalancerArn, to: AddressType) -> ();
    modify_capacity(arn: &LoadBalancerArn, units: Option<u32>) -> ();
    create_group(new: &NewTargetGroup) -> TargetGroup;
    modify_group(arn: &TargetGroupArn, health: &HealthCheck) -> ();
    modify_group_attributes(arn: &TargetGroupArn, set: &Attributes) -> ();
    delete_group(arn: &TargetGroupArn) -> ();
    register(group: &TargetGroupArn, targets: &[Target]) -> ();
    deregister(group: &TargetGroupArn, targets: &[Target]) -> ();
    create_listener(new: &NewListener) -> Listener;
    modify_listener(arn: &ListenerArn, to: &ListenerSpec) -> ();
    modify_listener_attributes(arn: &ListenerArn, set: &Attributes) -> ();
    delete_listener(arn: &ListenerArn) -> ();
    add_certificate(to: &ListenerArn, certificate: &str) -> ();
    remove_certificate(from: &ListenerArn, certificate: &str) -> ();
    add_tags(arns: &[String], tags: &Tags) -> ();
    remove_tags(arns: &[String], keys: &[String]) -> ();
}

scripted! { Ec2:
    subnets(vpc: &VpcId, token: Option<&str>) -> Page<Subnet>;
    vpc(id: &VpcId) -> Vpc;
    route_tables(vpc: &VpcId, token: Option<&str>) -> Page<RouteTable>;
    zones() -> Vec<Zone>;
    instances(ids: &[InstanceId], token: Option<&str>) -> Page<Instance>;
    security_groups(which: &WhichSecurityGroups, token: Option<&str>) -> Page<SecurityGroup>;
    interfaces(group: &SecurityGroupId, token: Option<&str>) -> Page<Interface>;
    create_security_group(new: &NewSecurityGroup) -> SecurityGroupId;
    delete_security_group(id: &SecurityGroupId) -> ();
    authorize(id: &SecurityGroupId, rules: &[Rule]) -> ();
    revoke(id: &SecurityGroupId, rules: &[Rule]) -> ();
    create_tags(id: &SecurityGroupId, tags: &Tags) -> ();
    delete_tags(id: &SecurityGroupId, keys: &[String]) -> ();
}
