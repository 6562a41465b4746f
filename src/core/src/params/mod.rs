//! Class parameters per provider, as plain data: `landfall-api` embeds them in the custom resource, and each
//! provider parses its annotations into the same types, so class and annotation meet in one struct.

use serde::Serialize;

pub mod aws;
pub mod gcp;
pub mod metal;

/// The parameters of one class for its provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassParams {
    /// The provider's defaults.
    #[default]
    Defaults,
    /// AWS.
    Aws(Box<aws::AwsParams>),
    /// GCP.
    Gcp(Box<gcp::GcpParams>),
    /// Bare metal.
    Metal(metal::MetalParams),
}

impl ClassParams {
    /// The name of the block in `LoadBalancerClass.spec`, which is that of its provider; none for the defaults.
    pub const fn block(&self) -> Option<&'static str> {
        match self {
            Self::Defaults => None,
            Self::Aws(_) => Some("aws"),
            Self::Gcp(_) => Some("gcp"),
            Self::Metal(_) => Some("metal"),
        }
    }

    /// The bare-metal parameters; the defaults if the class names none.
    pub fn metal(&self) -> metal::MetalParams {
        match self {
            Self::Metal(params) => params.clone(),
            Self::Defaults | Self::Aws(_) | Self::Gcp(_) => metal::MetalParams::default(),
        }
    }

    /// The AWS parameters; the defaults if the class names none.
    pub fn aws(&self) -> aws::AwsParams {
        match self {
            Self::Aws(params) => (**params).clone(),
            Self::Defaults | Self::Metal(_) | Self::Gcp(_) => aws::AwsParams::default(),
        }
    }
    /// The GCP parameters; the defaults if the class names none.
    pub fn gcp(&self) -> gcp::GcpParams {
        match self {
            Self::Gcp(params) => (**params).clone(),
            Self::Defaults | Self::Aws(_) | Self::Metal(_) => gcp::GcpParams::default(),
        }
    }
}
