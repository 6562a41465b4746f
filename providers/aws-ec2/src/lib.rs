//! The few EC2 calls that the AWS provider needs, through Amazon's SDK.
//!
//! Alone in a crate because compiling that SDK takes minutes and 8 GB: editing the provider never rebuilds it, and the
//! provider and its tests do without it.
