//! The names Landfall uses on Kubernetes objects. Annotation keys are in `landfall_core::annotations`.

/// API group of the custom resources, and prefix of our own labels, annotations and condition types.
pub const GROUP: &str = "landfall.dev";

/// The only version served so far.
pub const VERSION: &str = "v1alpha1";

/// Finalizer on Services that name one of our classes.
pub const FINALIZER: &str = "landfall.dev/load-balancer";

/// Finalizer on Services without a class, for which Landfall is the cluster's default controller.
///
/// It is the one that every cloud provider uses, so that another one can finish the work after Landfall has
/// been replaced (KEP-980).
pub const UPSTREAM_FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// Condition on our own objects: whether Landfall can work with them.
pub const READY: &str = "Ready";

/// Field manager of every write to the API server.
pub const FIELD_MANAGER: &str = "landfall";

/// Name of the Lease that the controllers elect their leader with.
pub const LEASE_NAME: &str = "landfall-controller";
