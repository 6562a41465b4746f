//! Identities: of clusters, Services, classes and load balancers. Parsed once, at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not the identity it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: {accepted}")]
pub struct IdError {
    /// Which identity was being read.
    pub what: &'static str,
    /// The text as given.
    pub value: String,
    /// What would have been accepted.
    pub accepted: &'static str,
}

/// Declares a text newtype with one check and the usual traits.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $accepted:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(IdError { what: $what, value: text, accepted: $accepted })
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(
    /// Names this cluster in ownership marks; two clusters in one cloud account must differ.
    ClusterId,
    "cluster id",
    "1 to 63 characters: lower-case letters, digits and '-', beginning and ending with a letter or digit",
    is_dns_label
);

text_id!(
    /// The short name of a load balancer class: `x` in `spec.loadBalancerClass: landfall.dev/x`.
    ClassName,
    "class name",
    "1 to 63 characters: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    |text| text.len() <= 63 && !text.is_empty() && text.split('.').all(is_dns_label)
);

text_id!(
    /// The value of `landfall.dev/share`: Services of one namespace with equal keys share a load balancer.
    ShareKey,
    "share key",
    "1 to 63 characters: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
    is_label_value
);

text_id!(
    /// `metadata.uid`: tells a Service from a later one of the same name.
    Uid,
    "uid",
    "1 to 128 characters: letters, digits and '-'",
    |text| {
        !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    }
);

/// One of the providers this program knows by name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// AWS Network Load Balancers through ELBv2.
    Aws,
    /// GCP passthrough Network Load Balancers on Compute Engine.
    Gcp,
    /// Address pools and an ARP/NDP announcer on bare metal.
    Metal,
    /// The in-memory reference provider of the tests.
    #[schemars(skip)]
    Memory,
}

impl ProviderName {
    /// Every provider, in the order they are listed to people.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Gcp, Self::Metal, Self::Memory];

    /// The word used in flags, labels and identities.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Metal => "metal",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderName {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| IdError {
            what: "provider",
            value: text.to_owned(),
            accepted: "one of aws, gcp, metal",
        })
    }
}

/// Namespace and name of a Service.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceKey {
    /// Namespace.
    pub namespace: String,
    /// Name. Since Kubernetes 1.37 it may begin with a digit (KEP-5311).
    pub name: String,
}

impl ServiceKey {
    /// From both parts, as the API server has already checked them.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ServiceKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('/') {
            Some((namespace, name)) if is_dns_label(namespace) && is_dns_label(name) => {
                Ok(Self::new(namespace, name))
            }
            _ => Err(IdError {
                what: "Service",
                value: text.to_owned(),
                accepted: "NAMESPACE/NAME, both DNS labels",
            }),
        }
    }
}

impl TryFrom<String> for ServiceKey {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ServiceKey> for String {
    fn from(key: ServiceKey) -> String {
        key.to_string()
    }
}

/// Identity of one load balancer inside a cluster.
///
/// It is stable over restarts and edits, and derived from Kubernetes alone. Its text form is written on the
/// Service (`landfall.dev/load-balancer`) before the first provider call and into the provider's ownership
/// marks, so what was made can be found again without remembering anything.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LbId {
    /// Who provides it.
    pub provider: ProviderName,
    /// Whose it is.
    pub scope: Scope,
}

/// Whose a load balancer is: one Service's, or a group's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A Service that shares with nobody.
    Service {
        /// Its name.
        key: ServiceKey,
        /// Its uid: a re-created Service is another load balancer.
        uid: Uid,
    },
    /// The Services of one class with one share key.
    Share {
        /// Their class.
        class: ClassName,
        /// Their namespace; `None` where the class lets namespaces share.
        namespace: Option<String>,
        /// Their key.
        key: ShareKey,
    },
}

impl LbId {
    /// The identity of a lone Service's load balancer.
    pub fn service(provider: ProviderName, key: ServiceKey, uid: Uid) -> Self {
        Self { provider, scope: Scope::Service { key, uid } }
    }

    /// The identity of a group's load balancer.
    pub fn share(provider: ProviderName, class: ClassName, namespace: Option<String>, key: ShareKey) -> Self {
        Self { provider, scope: Scope::Share { class, namespace, key } }
    }

    /// The namespace whose Services alone can be on it; `None` if those of all namespaces can.
    pub fn namespace(&self) -> Option<&str> {
        match &self.scope {
            Scope::Service { key, .. } => Some(&key.namespace),
            Scope::Share { namespace, .. } => namespace.as_deref(),
        }
    }

    /// Namespace and short name for people and for readable resource names: `default/web`.
    pub fn label(&self) -> (&str, &str) {
        match &self.scope {
            Scope::Service { key, .. } => (&key.namespace, &key.name),
            Scope::Share { namespace, key, .. } => (namespace.as_deref().unwrap_or("shared"), key.as_str()),
        }
    }
}

impl fmt::Display for LbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Service { key, uid } => write!(f, "{}:service/{key}/{uid}", self.provider),
            Scope::Share { class, namespace, key } => {
                write!(f, "{}:share/{class}/{}/{key}", self.provider, namespace.as_deref().unwrap_or("*"))
            }
        }
    }
}

impl fmt::Debug for LbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for LbId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            what: "load balancer id",
            value: text.to_owned(),
            accepted: "PROVIDER:service/NAMESPACE/NAME/UID or PROVIDER:share/CLASS/NAMESPACE|*/KEY",
        };
        let (provider, rest) = text.split_once(':').ok_or_else(wrong)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let scope = match parts[..] {
            ["service", namespace, name, uid] if is_dns_label(namespace) && is_dns_label(name) => {
                Scope::Service { key: ServiceKey::new(namespace, name), uid: Uid::new(uid)? }
            }
            ["share", class, namespace, key] if namespace == "*" || is_dns_label(namespace) => Scope::Share {
                class: ClassName::new(class)?,
                namespace: (namespace != "*").then(|| namespace.to_owned()),
                key: ShareKey::new(key)?,
            },
            _ => return Err(wrong()),
        };
        Ok(Self { provider: provider.parse()?, scope })
    }
}

impl TryFrom<String> for LbId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<LbId> for String {
    fn from(id: LbId) -> String {
        id.to_string()
    }
}

/// RFC 1123 label: what Kubernetes accepts as a namespace or Service name.
fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| inner(b))
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

/// A Kubernetes label value, not empty.
fn is_label_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && bytes[0].is_ascii_alphanumeric()
        && bytes[bytes.len() - 1].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("aws:service/default/web/3f2b-1")]
    #[case("metal:share/metal/shop/front_1.x")]
    #[case("gcp:share/fast.internal/*/k")]
    fn lb_ids_survive_a_round_trip(#[case] text: &str) {
        let id: LbId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::from_value::<LbId>(serde_json::to_value(&id).unwrap()).unwrap(), id);
    }

    #[rstest]
    #[case("")]
    #[case("aws")]
    #[case("azure:service/default/web/1")]
    #[case("aws:service/default/web")]
    #[case("aws:service/De/web/1")]
    #[case("aws:share/metal/ns/")]
    #[case("aws:share/metal/ns/a/b")]
    #[case("aws:share/metal/ns/-a")]
    fn wrong_lb_ids_say_what_is_accepted(#[case] text: &str) {
        let error = text.parse::<LbId>().unwrap_err();
        assert!(!error.accepted.is_empty(), "{error}");
    }

    #[rstest]
    #[case("a", true)]
    #[case("a-1", true)]
    #[case("1a", true)]
    #[case("-a", false)]
    #[case("a-", false)]
    #[case("A", false)]
    #[case("a.b", false)]
    #[case("", false)]
    fn cluster_ids_are_dns_labels(#[case] text: &str, #[case] good: bool) {
        assert_eq!(ClusterId::new(text).is_ok(), good);
    }
}
