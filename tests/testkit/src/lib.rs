//! An embedded Kubernetes API server and other test doubles, and the demo.

pub mod apiserver;
pub mod backend;
