//! Writes the statuses of `LoadBalancerClass` objects: whether they can be used, and by how many Services they are.

use std::collections::HashMap;

use jiff::Timestamp;
use kube::Api;
use landfall_api::conditions::Problem;
use landfall_api::v1alpha1::{LoadBalancerClass, next_class_status};
use landfall_core::class::{Class, ClassSet};
use landfall_core::error::Category;
use landfall_core::ids::ClassName;
use landfall_core::refusal::categories;
use serde_json::json;
use tracing::debug;

use crate::cluster::Cluster;
use crate::work::Providers;
use crate::writer::{WriteError, Writer};

/// Whether a class can be used, and if not, why.
pub fn verdict(object: &LoadBalancerClass, set: &ClassSet, providers: &Providers) -> Result<(), Problem> {
    let class = Class::try_from(object).map_err(|error| Problem::from(&error))?;
    if !providers.contains_key(&class.provider) {
        let message =
            format!("provider {} does not run in this controller: start it with --providers", class.provider);
        return Err(Problem { category: categories::PROVIDER_NOT_ENABLED, message });
    }
    if set.rival_defaults().contains(&class.name) {
        let winner = set.default_class().map(ClassName::as_str).unwrap_or_default();
        let message = format!("Services without a class get {winner}: set spec.default in one class only");
        return Err(Problem { category: Category::new("RivalDefault"), message });
    }
    Ok(())
}

/// Writes every status that is not right. One that cannot be written does not hold up the others; the first error is
/// returned.
pub async fn write_statuses(
    cluster: &Cluster,
    providers: &Providers,
    writer: &Writer,
) -> Result<(), WriteError> {
    let mut failed = Ok(());
    let api: Api<LoadBalancerClass> = Api::all(writer.client.clone());
    let set = cluster.class_set();
    let users: HashMap<ClassName, i64> = cluster.users();
    for object in cluster.classes.all() {
        let Some(name) = object.metadata.name.as_deref() else { continue };
        let count = ClassName::new(name).ok().and_then(|name| users.get(&name)).copied().unwrap_or_default();
        let verdict = verdict(&object, &set, providers);
        let Some(status) = next_class_status(&object, count, verdict, Timestamp::now()) else { continue };
        let patch =
            json!({"metadata": {"resourceVersion": object.metadata.resource_version}, "status": status});
        match writer.patch_status(&api, name, &patch).await {
            Ok(Some(written)) => {
                cluster.classes.observe(written);
            }
            Ok(None) => {}
            // The newer version is on its way and leads to another round.
            Err(WriteError::Conflict) => debug!(class = name, "class changed meanwhile"),
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    failed
}
