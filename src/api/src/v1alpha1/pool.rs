//! `AddressPool`: addresses that the bare-metal provider may give out.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema, ResourceExt};
use landfall_core::pools::{FamilyCounts, PoolSpec, PoolUsage};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::selector::label_selector;
use crate::conditions::{Problem, with_ready};

/// What the pool holds and who may use it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    kind = "AddressPool",
    doc = "Addresses that Services of bare-metal classes can get.",
    status = "AddressPoolStatus",
    derive = "PartialEq",
    shortname = "addrpool",
    category = "landfall",
    printcolumn(name = "Addresses", type_ = "string", json_path = ".spec.addresses"),
    printcolumn(name = "Auto-Assign", type_ = "boolean", json_path = ".spec.autoAssign"),
    printcolumn(name = "Priority", type_ = "integer", json_path = ".spec.priority", format = "int32"),
    printcolumn(name = "Used-v4", type_ = "integer", json_path = ".status.used.ipv4", format = "int64"),
    printcolumn(name = "Free-v4", type_ = "integer", json_path = ".status.free.ipv4", format = "int64"),
    printcolumn(name = "Used-v6", type_ = "integer", json_path = ".status.used.ipv6", format = "int64"),
    printcolumn(
        name = "Free-v6",
        type_ = "integer",
        json_path = ".status.free.ipv6",
        format = "int64",
        priority = 1
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct AddressPoolSpec {
    /// CIDRs (192.0.2.0/24), single addresses (192.0.2.7) and inclusive ranges (192.0.2.10-192.0.2.20), of both
    /// families, in order of preference. They must not overlap with other pools.
    #[schemars(schema_with = "addresses")]
    pub addresses: Vec<String>,

    /// Whether Services that name no pool may get an address from here.
    #[serde(default = "yes")]
    pub auto_assign: bool,

    /// Leave out the first and last address of every IPv4 CIDR shorter than /31, every IPv4 address that ends in .0 or
    /// .255, since some old equipment takes them for network and broadcast addresses, and the first address of every
    /// IPv6 CIDR shorter than /127, which is the subnet-router anycast address (RFC 4291, 2.6.1).
    #[serde(default)]
    pub avoid_network_and_broadcast: bool,

    /// Namespaces whose Services may use the pool; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "label_selector")]
    pub namespace_selector: Option<LabelSelector>,

    /// Services that may use the pool; all if absent. If both selectors are given, both must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "label_selector")]
    pub service_selector: Option<LabelSelector>,

    /// Pools with a higher priority are tried first, pools of equal priority in the order of their names.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: i32,
}

/// What the controller found out about the pool.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressPoolStatus {
    /// Ready is False if a part of the pool cannot be used; the message says which and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// How many addresses can be given out.
    #[serde(default)]
    pub capacity: AddressCounts,

    /// How many are in use, including those that the pool no longer contains but a Service still has.
    #[serde(default)]
    pub used: AddressCounts,

    /// Capacity less those in use, never below 0.
    #[serde(default)]
    pub free: AddressCounts,

    /// The metadata.generation that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,
}

/// A count of addresses per family. A count that does not fit into 63 bits is given as 9223372036854775807.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressCounts {
    /// IPv4 addresses.
    #[serde(default)]
    pub ipv4: i64,
    /// IPv6 addresses.
    #[serde(default)]
    pub ipv6: i64,
}

impl From<FamilyCounts> for AddressCounts {
    fn from(counts: FamilyCounts) -> Self {
        Self { ipv4: counts.v4, ipv6: counts.v6 }
    }
}

impl AddressPool {
    /// The pool as the bare-metal provider reads it. What is wrong with the addresses is the provider's to tell.
    pub fn to_spec(&self) -> PoolSpec {
        PoolSpec {
            name: self.name_any(),
            addresses: self.spec.addresses.clone(),
            auto_assign: self.spec.auto_assign,
            avoid_network_and_broadcast: self.spec.avoid_network_and_broadcast,
            namespace_selector: self.spec.namespace_selector.clone(),
            service_selector: self.spec.service_selector.clone(),
            priority: self.spec.priority,
            deleting: self.metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The status that `pool` should have after `usage`, or `None` if it has it already.
pub fn next_pool_status(pool: &AddressPool, usage: &PoolUsage, now: Timestamp) -> Option<AddressPoolStatus> {
    let generation = pool.metadata.generation;
    let verdict = match &usage.verdict {
        Ok(()) => Ok("the addresses of the pool can be given out"),
        Err(problem) => Err(Problem::from(problem)),
    };
    let current = pool.status.as_ref();
    let conditions = current.map_or(&[][..], |status| &status.conditions);
    let next = AddressPoolStatus {
        conditions: with_ready(conditions, verdict, generation, now),
        capacity: usage.capacity.into(),
        used: usage.used.into(),
        free: free(usage),
        observed_generation: generation,
    };
    (current != Some(&next)).then_some(next)
}

/// What is left. More may be in use than the pool holds, after it has been made smaller.
fn free(usage: &PoolUsage) -> AddressCounts {
    let left = |capacity: i64, used: i64| capacity.saturating_sub(used).max(0);
    AddressCounts {
        ipv4: left(usage.capacity.v4, usage.used.v4),
        ipv6: left(usage.capacity.v6, usage.used.v6),
    }
}

const fn yes() -> bool {
    true
}

/// Entries of a pool. The order of the two ends of a range cannot be compared in CEL; the provider does it.
///
/// `substring` and not `split`: the API server can bound the cost of the first, not of the elements of the second.
fn addresses(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 256,
        "x-kubernetes-list-type": "atomic",
        "items": {
            "type": "string",
            "minLength": 2,
            "maxLength": 96,
            "x-kubernetes-validations": [{
                "rule": "isCIDR(self) || isIP(self) || (self.indexOf('-') > 0 \
                         && isIP(self.substring(0, self.indexOf('-'))) \
                         && isIP(self.substring(self.indexOf('-') + 1)) \
                         && ip(self.substring(0, self.indexOf('-'))).family() \
                         == ip(self.substring(self.indexOf('-') + 1)).family())",
                "message": "must be a CIDR (192.0.2.0/24), an address (192.0.2.7) or a range of one family \
                            (192.0.2.10-192.0.2.20), without spaces"
            }]
        }
    })
}

#[cfg(test)]
mod tests;
