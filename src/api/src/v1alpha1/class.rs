//! `LoadBalancerClass`: which provider serves a Service, and with which parameters.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema, ResourceExt};
use landfall_core::class::{Class, Sharing};
use landfall_core::ids::{ClassName, IdError, ProviderName};
use landfall_core::params::ClassParams;
use landfall_core::params::aws::AwsParams;
use landfall_core::params::gcp::GcpParams;
use landfall_core::params::metal::MetalParams;
use landfall_core::refusal::categories;
use landfall_core::selector::{Labels, SelectorError, fits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::lenient::{Lenient, Unreadable};
use super::selector::label_selector;
use crate::conditions::{Problem, with_ready};

/// Provider, its parameters, and who may use the class how.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    kind = "LoadBalancerClass",
    plural = "loadbalancerclasses",
    doc = "What a Service gets that names landfall.dev/NAME in spec.loadBalancerClass.",
    status = "LoadBalancerClassStatus",
    derive = "PartialEq",
    shortname = "lbc",
    category = "landfall",
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name must have at most 63 characters"),
    validation = Rule::new("!(self.metadata.name in ['aws', 'gcp', 'metal']) || self.metadata.name == self.spec.provider")
        .message("a class with the name of a provider must name this provider"),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "Default", type_ = "boolean", json_path = ".spec.default"),
    printcolumn(name = "Sharing", type_ = "string", json_path = ".spec.sharing"),
    printcolumn(name = "Services", type_ = "integer", json_path = ".status.services", format = "int64"),
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
#[x_kube(
    validation = Rule::new("!has(self.aws) || self.provider == 'aws'").message("aws may only be given if provider is aws"),
    validation = Rule::new("!has(self.gcp) || self.provider == 'gcp'").message("gcp may only be given if provider is gcp"),
    validation = Rule::new("!has(self.metal) || self.provider == 'metal'")
        .message("metal may only be given if provider is metal"),
)]
pub struct LoadBalancerClassSpec {
    /// Who makes the load balancers. It cannot be changed: nobody would be left to delete what the former one made.
    #[x_kube(validation = Rule::new("self == oldSelf").message("provider cannot be changed; create another class"))]
    pub provider: Lenient<ProviderName>,

    /// Parameters of the provider aws; its defaults if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AwsParams")]
    pub aws: Option<Lenient<AwsParams>>,

    /// Parameters of the provider gcp; its defaults if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GcpParams")]
    pub gcp: Option<Lenient<GcpParams>>,

    /// Parameters of the provider metal; its defaults if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MetalParams")]
    pub metal: Option<Lenient<MetalParams>>,

    /// Whether Services without spec.loadBalancerClass get this class. At most one class should say so.
    #[serde(default)]
    pub default: bool,

    /// Which Services may share a load balancer by the annotation landfall.dev/share: none, those of one namespace, or
    /// those of the whole cluster.
    #[serde(default)]
    pub sharing: Lenient<Sharing>,

    /// Namespaces whose Services may use the class; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "label_selector")]
    pub allowed_namespaces: Option<LabelSelector>,
}

/// What the controller found out about the class.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerClassStatus {
    /// Ready is False if Services of the class cannot be served; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// How many Services use the class.
    #[serde(default)]
    pub services: i64,

    /// The metadata.generation that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,
}

/// The status that `class` should have with that many users, or `None` if it has it already.
pub fn next_class_status(
    class: &LoadBalancerClass,
    services: i64,
    verdict: Result<(), Problem>,
    now: Timestamp,
) -> Option<LoadBalancerClassStatus> {
    let generation = class.metadata.generation;
    let current = class.status.as_ref();
    let conditions = current.map_or(&[][..], |status| &status.conditions);
    let verdict = verdict.map(|()| "Services of the class are served");
    let next = LoadBalancerClassStatus {
        conditions: with_ready(conditions, verdict, generation, now),
        services,
        observed_generation: generation,
    };
    (current != Some(&next)).then_some(next)
}

/// Why a `LoadBalancerClass` cannot be used.
///
/// The schema refuses all of it, so it is met only where an object is older than a rule, or where a newer
/// version of Landfall has been replaced by this one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// `metadata.name` is not the name of a class.
    #[error("metadata.name: {0}")]
    Name(IdError),
    /// A word or a block of parameters is unknown to this version.
    #[error("{field}: {error}")]
    Unreadable {
        /// Where it stands.
        field: &'static str,
        /// What it is.
        error: Unreadable,
    },
    /// The parameters of one provider, in a class of another.
    #[error("{field}: these parameters belong to another provider than {:?}: remove them", provider.as_str())]
    ForeignParameters {
        /// Where they stand.
        field: &'static str,
        /// The class's provider.
        provider: ProviderName,
    },
    /// `spec.allowedNamespaces` cannot be evaluated.
    #[error("spec.allowedNamespaces: {0}")]
    AllowedNamespaces(SelectorError),
}

impl From<&ClassError> for Problem {
    fn from(error: &ClassError) -> Self {
        let category = match error {
            ClassError::ForeignParameters { .. } => categories::CONFLICTING_VALUES,
            _ => categories::INVALID_VALUE,
        };
        Self { category, message: error.to_string() }
    }
}

impl TryFrom<&LoadBalancerClass> for Class {
    type Error = ClassError;

    fn try_from(class: &LoadBalancerClass) -> Result<Self, ClassError> {
        let spec = &class.spec;
        let provider = read("spec.provider", &spec.provider)?;
        if let Some(selector) = &spec.allowed_namespaces {
            // Whether it fits does not matter; every operator is looked at.
            fits(selector, &Labels::new()).map_err(ClassError::AllowedNamespaces)?;
        }
        Ok(Self {
            name: ClassName::new(class.name_any()).map_err(ClassError::Name)?,
            provider,
            params: params(spec, provider)?,
            default: spec.default,
            sharing: read("spec.sharing", &spec.sharing)?,
            allowed_namespaces: spec.allowed_namespaces.clone(),
            built_in: false,
        })
    }
}

/// The block of the class's own provider; one of another is an error.
fn params(spec: &LoadBalancerClassSpec, provider: ProviderName) -> Result<ClassParams, ClassError> {
    let given = [
        ("spec.aws", spec.aws.is_some(), ProviderName::Aws),
        ("spec.gcp", spec.gcp.is_some(), ProviderName::Gcp),
        ("spec.metal", spec.metal.is_some(), ProviderName::Metal),
    ];
    if let Some((field, ..)) = given.into_iter().find(|(_, given, owner)| *given && *owner != provider) {
        return Err(ClassError::ForeignParameters { field, provider });
    }
    if let Some(aws) = &spec.aws {
        return Ok(ClassParams::Aws(Box::new(read("spec.aws", aws)?)));
    }
    if let Some(gcp) = &spec.gcp {
        return Ok(ClassParams::Gcp(Box::new(read("spec.gcp", gcp)?)));
    }
    if let Some(metal) = &spec.metal {
        return Ok(ClassParams::Metal(read("spec.metal", metal)?));
    }
    Ok(ClassParams::Defaults)
}

fn read<T: Clone + DeserializeOwned>(field: &'static str, part: &Lenient<T>) -> Result<T, ClassError> {
    part.get().map_err(|error| ClassError::Unreadable { field, error })
}

#[cfg(test)]
mod tests;
