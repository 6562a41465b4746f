//! Parameters of bare-metal classes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `LoadBalancerClass.spec.metal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetalParams {
    /// Names of the `AddressPool` objects that Services of this class take addresses from, most preferred
    /// first. Empty means every pool with `autoAssign`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address_pools: Vec<String>,
}
