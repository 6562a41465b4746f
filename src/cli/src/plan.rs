//! A dry run: what the controller would do if these manifests were applied.
//!
//! ```text
//! files ──manifest──► Objects ─┐
//! cluster ──live────► Objects ─┴─world──► Cluster + touched keys ──decide──► Report ──text / JSON
//! ```
//!
//! The way from objects to decisions is the controller's own: its indexes ([`landfall_controller::cluster`]), core's
//! `desired()`, and the provider's `plan`. Nothing is written anywhere.

pub(crate) mod decide;
pub(crate) mod defaults;
pub(crate) mod document;
pub(crate) mod live;
pub(crate) mod manifest;
pub(crate) mod report;
pub(crate) mod text;
pub(crate) mod world;

#[cfg(test)]
mod tests;

use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use landfall_api::v1alpha1::{AddressPool, LoadBalancerClass};

/// Everything that a plan can read, from files or from a cluster.
#[derive(Debug, Default, Clone)]
pub(crate) struct Objects {
    /// Services, in the order they were given.
    pub(crate) services: Vec<Service>,
    /// Nodes.
    pub(crate) nodes: Vec<Node>,
    /// Endpoint slices.
    pub(crate) slices: Vec<EndpointSlice>,
    /// Namespaces.
    pub(crate) namespaces: Vec<Namespace>,
    /// Classes.
    pub(crate) classes: Vec<LoadBalancerClass>,
    /// Address pools.
    pub(crate) pools: Vec<AddressPool>,
}
