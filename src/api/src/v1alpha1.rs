//! Version `v1alpha1` of the API.
//!
//! **Unknown fields.** The schemas are structural without `x-kubernetes-preserve-unknown-fields`, so the API
//! server never stores a field that they do not name. Whether it says so is the client's choice
//! (`fieldValidation`): `kubectl` asks for `Strict` and gets an error that names the field; a client that asks
//! for `Warn` gets a warning, and the field is pruned. A CEL rule cannot refuse such a field, as it sees the
//! pruned object.
//!
//! **Reading is tolerant where writing is strict.** A newer schema may be installed before this program is
//! replaced, and one object that does not deserialise ends a whole watch. So fields that this version does not
//! know are skipped, and unknown words and provider parameters are kept as [`Lenient::Other`]: they become an
//! error of that one object when it is turned into a core value, never a silent default.

// The derive `KubeSchema` copies the public structs into the body of a function.
#![allow(unreachable_pub)]
// Clippy takes the keys of several `printcolumn(…)` for one attribute given twice.
#![allow(clippy::duplicated_attributes)]

mod class;
mod lenient;
mod pool;
mod selector;
#[cfg(test)]
pub(crate) mod testing;

pub use class::{
    ClassError, LoadBalancerClass, LoadBalancerClassSpec, LoadBalancerClassStatus, next_class_status,
};
pub use lenient::{Lenient, Unreadable};
pub use pool::{AddressCounts, AddressPool, AddressPoolSpec, AddressPoolStatus, next_pool_status};
