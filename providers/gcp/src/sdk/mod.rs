//! [`Compute`] through Google's official client.
//!
//! The client has a type for each resource. Bodies go through it and back as JSON, and keep what it does not know; what
//! it would drop is refused. Each method is one attempt: no retries, no polling.

use async_trait::async_trait;
use google_cloud_auth::credentials::Credentials;
use google_cloud_compute_v1::client::{
    Addresses, Firewalls, ForwardingRules, InstanceGroups, Instances, NetworkEndpointGroups, Networks,
    RegionBackendServices, RegionHealthChecks, Regions, Subnetworks,
};
use google_cloud_compute_v1::model;
use google_cloud_gax::client_builder::Error as BuildError;
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::retry_policy::NeverRetry;
use serde_json::Value;

mod errors;
mod json;
mod kinds;

use crate::api::{
    Answer, Compute, Kind, Method, Operation, OperationRef, Page, Place, Reference, RequestId, Verb,
};
use crate::calls::PATIENCE;
use errors::{failed, no_method};
use kinds::{at, by_kind, by_written_kind};

/// Most items on one page; Google's own limit.
const PAGE: u32 = 500;

/// What we tell Google about us.
const USER_AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// Compute Engine through Google's client.
#[derive(Debug, Clone)]
pub struct Sdk {
    addresses: Addresses,
    firewalls: Firewalls,
    forwarding_rules: ForwardingRules,
    instance_groups: InstanceGroups,
    instances: Instances,
    network_endpoint_groups: NetworkEndpointGroups,
    networks: Networks,
    region_backend_services: RegionBackendServices,
    region_health_checks: RegionHealthChecks,
    regions: Regions,
    subnetworks: Subnetworks,
    options: RequestOptions,
}

impl Sdk {
    /// The API at this endpoint, or Google's own; nothing is sent yet. Fails if the endpoint is not a URL, or if the
    /// process cannot do TLS.
    pub async fn new(credentials: &Credentials, endpoint: Option<&str>) -> Result<Self, BuildError> {
        let mut options = RequestOptions::default();
        options.set_user_agent(USER_AGENT);
        options.set_attempt_timeout(PATIENCE);
        // Once, because the controller retries: with backoff per load balancer and paced by the project's quotas.
        options.set_retry_policy(NeverRetry);
        macro_rules! client {
            ($client:ident) => {{
                let builder = $client::builder().with_credentials(credentials.clone());
                match endpoint {
                    Some(endpoint) => builder.with_endpoint(endpoint).build().await?,
                    None => builder.build().await?,
                }
            }};
        }
        Ok(Self {
            addresses: client!(Addresses),
            firewalls: client!(Firewalls),
            forwarding_rules: client!(ForwardingRules),
            instance_groups: client!(InstanceGroups),
            instances: client!(Instances),
            network_endpoint_groups: client!(NetworkEndpointGroups),
            networks: client!(Networks),
            region_backend_services: client!(RegionBackendServices),
            region_health_checks: client!(RegionHealthChecks),
            regions: client!(Regions),
            subnetworks: client!(Subnetworks),
            options,
        })
    }
}

#[async_trait]
impl Compute for Sdk {
    async fn list(
        &self,
        place: &Place,
        kind: Kind,
        filter: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        let method = Method::new(kind, Verb::List);
        macro_rules! list {
            ($client:ident, $scope:ident, $name:ident) => {{
                let request = at!($scope, self.$client.list(), place, method)
                    .set_or_clear_filter(filter)
                    .set_max_results(PAGE)
                    .set_or_clear_page_token(page);
                let answer = request.with_options(self.options.clone()).send().await;
                let answer = answer.map_err(failed(method))?;
                json::page(method, answer.items, answer.next_page_token)
            }};
        }
        by_kind!(kind, list)
    }

    async fn get(&self, what: &Reference) -> Answer<Value> {
        let (place, method) = (&what.place, Method::new(what.kind, Verb::Get));
        macro_rules! get {
            ($client:ident, $scope:ident, $name:ident) => {{
                let request = at!($scope, self.$client.get(), place, method).$name(&what.name);
                let answer = request.with_options(self.options.clone()).send().await;
                json::item(method, answer.map_err(failed(method))?)
            }};
        }
        by_kind!(what.kind, get)
    }

    async fn insert(&self, what: &Reference, body: Value, id: RequestId) -> Answer<Operation> {
        let (place, method) = (&what.place, Method::new(what.kind, Verb::Insert));
        macro_rules! insert {
            ($client:ident, $scope:ident, $name:ident, $body:ident) => {{
                let request = at!($scope, self.$client.insert(), place, method)
                    .set_request_id(id.to_string())
                    .set_body(json::body::<model::$body>(method, &body)?);
                let answer = request.with_options(self.options.clone()).send().await;
                json::operation(method, answer.map_err(failed(method))?)
            }};
        }
        by_written_kind!(what.kind, insert, method)
    }

    async fn change(&self, what: &Reference, verb: Verb, body: Value, id: RequestId) -> Answer<Operation> {
        let (place, method) = (&what.place, Method::new(what.kind, verb));
        macro_rules! change {
            ($client:ident.$call:ident, $scope:ident, $name:ident, $body:ident) => {{
                let request = at!($scope, self.$client.$call(), place, method)
                    .$name(&what.name)
                    .set_request_id(id.to_string())
                    .set_body(json::body::<model::$body>(method, &body)?);
                let answer = request.with_options(self.options.clone()).send().await;
                json::operation(method, answer.map_err(failed(method))?)
            }};
        }
        match (what.kind, verb) {
            (Kind::Address, Verb::SetLabels) => {
                change!(addresses.set_labels, region, set_resource, RegionSetLabelsRequest)
            }
            (Kind::ForwardingRule, Verb::SetLabels) => {
                change!(forwarding_rules.set_labels, region, set_resource, RegionSetLabelsRequest)
            }
            (Kind::ForwardingRule, Verb::Patch) => {
                change!(forwarding_rules.patch, region, set_forwarding_rule, ForwardingRule)
            }
            (Kind::BackendService, Verb::Patch) => {
                change!(region_backend_services.patch, region, set_backend_service, BackendService)
            }
            (Kind::BackendService, Verb::Update) => {
                change!(region_backend_services.update, region, set_backend_service, BackendService)
            }
            (Kind::HealthCheck, Verb::Patch) => {
                change!(region_health_checks.patch, region, set_health_check, HealthCheck)
            }
            (Kind::HealthCheck, Verb::Update) => {
                change!(region_health_checks.update, region, set_health_check, HealthCheck)
            }
            (Kind::Firewall, Verb::Patch) => change!(firewalls.patch, global, set_firewall, Firewall),
            (Kind::Firewall, Verb::Update) => change!(firewalls.update, global, set_firewall, Firewall),
            (Kind::EndpointGroup, Verb::AttachEndpoints) => change!(
                network_endpoint_groups.attach_network_endpoints,
                zone,
                set_network_endpoint_group,
                NetworkEndpointGroupsAttachEndpointsRequest
            ),
            (Kind::EndpointGroup, Verb::DetachEndpoints) => change!(
                network_endpoint_groups.detach_network_endpoints,
                zone,
                set_network_endpoint_group,
                NetworkEndpointGroupsDetachEndpointsRequest
            ),
            (Kind::InstanceGroup, Verb::AddInstances) => {
                change!(
                    instance_groups.add_instances,
                    zone,
                    set_instance_group,
                    InstanceGroupsAddInstancesRequest
                )
            }
            (Kind::InstanceGroup, Verb::RemoveInstances) => {
                change!(
                    instance_groups.remove_instances,
                    zone,
                    set_instance_group,
                    InstanceGroupsRemoveInstancesRequest
                )
            }
            _ => Err(no_method(method)),
        }
    }

    async fn delete(&self, what: &Reference, id: RequestId) -> Answer<Operation> {
        let (place, method) = (&what.place, Method::new(what.kind, Verb::Delete));
        macro_rules! delete {
            ($client:ident, $scope:ident, $name:ident, $body:ident) => {{
                let request = at!($scope, self.$client.delete(), place, method)
                    .$name(&what.name)
                    .set_request_id(id.to_string());
                let answer = request.with_options(self.options.clone()).send().await;
                json::operation(method, answer.map_err(failed(method))?)
            }};
        }
        by_written_kind!(what.kind, delete, method)
    }

    async fn members(
        &self,
        what: &Reference,
        verb: Verb,
        body: Value,
        page: Option<&str>,
    ) -> Answer<Page<Value>> {
        let (place, method) = (&what.place, Method::new(what.kind, verb));
        macro_rules! members {
            ($client:ident.$call:ident, $name:ident, $body:ident) => {{
                let request = at!(zone, self.$client.$call(), place, method)
                    .$name(&what.name)
                    .set_max_results(PAGE)
                    .set_or_clear_page_token(page)
                    .set_body(json::body::<model::$body>(method, &body)?);
                let answer = request.with_options(self.options.clone()).send().await;
                let answer = answer.map_err(failed(method))?;
                json::page(method, answer.items, answer.next_page_token)
            }};
        }
        match (what.kind, verb) {
            (Kind::EndpointGroup, Verb::ListEndpoints) => {
                members!(
                    network_endpoint_groups.list_network_endpoints,
                    set_network_endpoint_group,
                    NetworkEndpointGroupsListEndpointsRequest
                )
            }
            (Kind::InstanceGroup, Verb::ListInstances) => {
                members!(
                    instance_groups.list_instances,
                    set_instance_group,
                    InstanceGroupsListInstancesRequest
                )
            }
            (Kind::BackendService, Verb::GetHealth) => {
                let request = at!(region, self.region_backend_services.get_health(), place, method)
                    .set_backend_service(&what.name)
                    .set_body(json::body::<model::ResourceGroupReference>(method, &body)?);
                let answer = request.with_options(self.options.clone()).send().await;
                json::page(method, answer.map_err(failed(method))?.health_status, None)
            }
            _ => Err(no_method(method)),
        }
    }

    async fn operation(&self, operation: &OperationRef) -> Answer<Operation> {
        let (place, method) = (&operation.place, Method::new(operation.kind, Verb::GetOperation));
        macro_rules! look {
            ($client:ident, $scope:ident, $name:ident, $body:ident) => {{
                let request = at!($scope, self.$client.get_operation(), place, method)
                    .set_operation(&operation.name)
                    .with_options(self.options.clone());
                json::operation(method, request.send().await.map_err(failed(method))?)
            }};
        }
        by_written_kind!(operation.kind, look, method)
    }
}
