//! Resources as Rust values, in the API's own JSON.
//!
//! Only fields that the provider reads or sets have a name here; all others are kept in `rest` as they came, so that an
//! update that replaces the whole leaves them as they are. A field that is empty is not sent. Source: the schemas of the
//! discovery document of Compute Engine v1.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::kind::Kind;

mod address;
mod backend_service;
mod firewall;
mod forwarding_rule;
mod group;
mod health_check;
mod instance;
mod network;

pub use address::{Address, AddressStatus, AddressType, Purpose};
pub use backend_service::{
    Backend, BackendHealth, BackendService, BalancingMode, ConnectionDraining, ConnectionTracking,
    FailoverPolicy, HealthState, LogConfig, SessionAffinity, TargetHealth, TrafficDistribution,
    ZonalAffinity,
};
pub use firewall::{Allowed, Firewall};
pub use forwarding_rule::{ForwardingRule, Scheme};
pub use group::{Endpoint, EndpointEntry, EndpointGroup, InstanceGroup, InstanceRef, InstanceRefs};
pub use health_check::{HealthCheck, HttpCheck, TcpCheck};
pub use instance::{Instance, Ipv6Config, NetworkInterface, ServiceAccount, TagSet};
pub use network::{Network, Quota, Region, Subnetwork};

/// Fields that have no name here.
pub type Rest = Map<String, Value>;

/// A resource that can be listed.
pub trait Resource: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;
    /// Its name.
    fn name(&self) -> &str;
    /// Its description; empty if it has none. Our ownership marks are in there.
    fn description(&self) -> &str;
}

/// Implements [`Resource`] for a type with the fields `name` and `description`.
macro_rules! resource {
    ($type:ident, $kind:ident) => {
        impl super::Resource for $type {
            const KIND: super::Kind = super::Kind::$kind;
            fn name(&self) -> &str {
                &self.name
            }
            fn description(&self) -> &str {
                &self.description
            }
        }
    };
}
use resource;

/// An enum of API words, with an arm for words that are newer than this program: they are kept, and equal nothing else.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$arm_doc:meta])* $arm:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$arm_doc])* $arm,)+
            /// A word that this program does not know.
            Other(String),
        }

        impl $name {
            /// The API's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$arm => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$arm,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
use words;
