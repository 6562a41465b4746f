//! Landfall's custom resources and the names it uses on objects.
//!
//! | Module | Owns |
//! |---|---|
//! | [`names`] | API group, class prefix, finalizers, condition types, field manager, Lease name |
//! | [`v1alpha1`] | the kinds `LoadBalancerClass` and `AddressPool`, their way into plain core values, and their status |
//! | [`crds`] | the `CustomResourceDefinition`s as objects and as YAML |
//! | [`conditions`] | the condition `Ready` of these kinds |

pub mod conditions;
pub mod crds;
pub mod names;
pub mod v1alpha1;

pub use crds::{all_crds, crd_files, crds_yaml};
