//! Reads of ELBv2.

use std::collections::HashSet;

use super::{Client, Pages};
use crate::api::elb::{
    Listener, LoadBalancer, TAGS_AT_ONCE, TargetGroup, TargetState, WhichBalancers, WhichGroups,
};
use crate::api::error::Failure;
use crate::api::ids::{ListenerArn, LoadBalancerArn, TargetGroupArn};
use crate::api::{Action, ApiError, Attributes, Tags};
use crate::error::AwsError;

/// Most names or ARNs in one request about load balancers or target groups.
const NAMES_AT_ONCE: usize = 20;

impl Client {
    /// `DescribeLoadBalancers`. One name or ARN that does not exist fails the whole: `LoadBalancerNotFound`.
    pub async fn load_balancers(&self, which: &WhichBalancers) -> Result<Vec<LoadBalancer>, AwsError> {
        let parts = match which {
            WhichBalancers::All => vec![WhichBalancers::All],
            WhichBalancers::Named(names) => pieces(names, WhichBalancers::Named),
            WhichBalancers::Known(arns) => pieces(arns, WhichBalancers::Known),
        };
        let (elb, mut all) = (&self.calls.elb, Vec::new());
        for part in &parts {
            let page =
                |marker: Option<String>| async move { elb.load_balancers(part, marker.as_deref()).await };
            all.extend(self.pages(Action::DescribeLoadBalancers, None, page).await?);
        }
        Ok(all)
    }

    /// `DescribeLoadBalancers` of the whole account and region: the pages that are not read yet.
    pub(crate) async fn all_load_balancers(&self, pages: &mut Pages<LoadBalancer>) -> Result<(), AwsError> {
        let elb = &self.calls.elb;
        let page = |marker: Option<String>| async move {
            elb.load_balancers(&WhichBalancers::All, marker.as_deref()).await
        };
        self.read_on(Action::DescribeLoadBalancers, None, pages, page).await
    }

    /// `DescribeTargetGroups` of the whole account and region: the pages that are not read yet.
    pub(crate) async fn all_target_groups(&self, pages: &mut Pages<TargetGroup>) -> Result<(), AwsError> {
        let elb = &self.calls.elb;
        let page = |marker: Option<String>| async move {
            elb.target_groups(&WhichGroups::All, marker.as_deref()).await
        };
        self.read_on(Action::DescribeTargetGroups, None, pages, page).await
    }

    /// `DescribeTargetGroups`. One name that does not exist fails the whole: `TargetGroupNotFound`.
    pub async fn target_groups(&self, which: &WhichGroups) -> Result<Vec<TargetGroup>, AwsError> {
        let parts = match which {
            WhichGroups::Named(names) => pieces(names, WhichGroups::Named),
            WhichGroups::All | WhichGroups::Of(_) => vec![which.clone()],
        };
        let (elb, mut all) = (&self.calls.elb, Vec::new());
        for part in &parts {
            let page =
                |marker: Option<String>| async move { elb.target_groups(part, marker.as_deref()).await };
            all.extend(self.pages(Action::DescribeTargetGroups, None, page).await?);
        }
        Ok(all)
    }

    /// `DescribeTags` of any number of resources, as pairs of ARN and tags. One that does not exist fails the whole:
    /// `LoadBalancerNotFound` and the like. An answer that leaves one out tells nothing about that, so it is an error.
    pub async fn tags(&self, arns: &[String]) -> Result<Vec<(String, Tags)>, AwsError> {
        let mut all = Vec::new();
        for part in arns.chunks(TAGS_AT_ONCE) {
            let request = self.calls.elb.tags(part);
            let got = self.call(Action::DescribeTags, super::only(part), request).await?;
            let told: HashSet<&str> = got.iter().map(|(arn, _)| arn.as_str()).collect();
            if let Some(missing) = part.iter().find(|arn| !told.contains(arn.as_str())) {
                let what = format!("the tags of {missing} are not in it");
                let error = ApiError { action: Action::DescribeTags, kind: Failure::Unreadable { what } };
                return Err(AwsError::failed(self.whom(), Some(missing), error));
            }
            all.extend(got);
        }
        Ok(all)
    }

    /// `DescribeListeners` of a load balancer.
    pub async fn listeners(&self, of: &LoadBalancerArn) -> Result<Vec<Listener>, AwsError> {
        let elb = &self.calls.elb;
        let page = |marker: Option<String>| async move { elb.listeners(of, marker.as_deref()).await };
        self.pages(Action::DescribeListeners, of.as_str(), page).await
    }

    /// `DescribeListenerCertificates`: the ARNs of those beyond the default one.
    pub async fn certificates(&self, of: &ListenerArn) -> Result<Vec<String>, AwsError> {
        let elb = &self.calls.elb;
        let page = |marker: Option<String>| async move { elb.certificates(of, marker.as_deref()).await };
        self.pages(Action::DescribeListenerCertificates, of.as_str(), page).await
    }

    /// `DescribeListenerAttributes`.
    pub async fn listener_attributes(&self, of: &ListenerArn) -> Result<Attributes, AwsError> {
        let request = self.calls.elb.listener_attributes(of);
        self.call(Action::DescribeListenerAttributes, of.as_str(), request).await
    }

    /// `DescribeLoadBalancerAttributes`.
    pub async fn balancer_attributes(&self, of: &LoadBalancerArn) -> Result<Attributes, AwsError> {
        let request = self.calls.elb.balancer_attributes(of);
        self.call(Action::DescribeLoadBalancerAttributes, of.as_str(), request).await
    }

    /// `DescribeTargetGroupAttributes`.
    pub async fn group_attributes(&self, of: &TargetGroupArn) -> Result<Attributes, AwsError> {
        let request = self.calls.elb.group_attributes(of);
        self.call(Action::DescribeTargetGroupAttributes, of.as_str(), request).await
    }

    /// `DescribeTargetHealth`: every registered target.
    pub async fn target_health(&self, of: &TargetGroupArn) -> Result<Vec<TargetState>, AwsError> {
        let request = self.calls.elb.target_health(of);
        self.call(Action::DescribeTargetHealth, of.as_str(), request).await
    }

    /// `DescribeAccountLimits`: names and figures.
    pub async fn limits(&self) -> Result<Vec<(String, String)>, AwsError> {
        let elb = &self.calls.elb;
        let page = |marker: Option<String>| async move { elb.limits(marker.as_deref()).await };
        self.pages(Action::DescribeAccountLimits, None, page).await
    }

    /// `DescribeCapacityReservation`: the minimum capacity asked for, in load balancer capacity units.
    pub async fn capacity(&self, of: &LoadBalancerArn) -> Result<Option<u32>, AwsError> {
        let request = self.calls.elb.capacity(of);
        self.call(Action::DescribeCapacityReservation, of.as_str(), request).await
    }
}

fn pieces<T: Clone, W>(all: &[T], which: impl Fn(Vec<T>) -> W) -> Vec<W> {
    all.chunks(NAMES_AT_ONCE).map(|part| which(part.to_vec())).collect()
}
