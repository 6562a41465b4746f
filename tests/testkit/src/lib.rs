//! An embedded Kubernetes API server and other test doubles, and the demo.

pub mod apiserver;
#[cfg(feature = "aws")]
pub mod aws;
pub mod backend;
#[cfg(feature = "gcp")]
pub mod gcp;
