//! The Service-specific half of the API server: defaults, validation, allocation, warnings.
//!
//! The engine owns metadata, versions and storage; it calls one `prepare_*` method per write, with the write lock of
//! its store held, and stores what the method made of the object. Allocations follow what is stored: a prepared
//! write that is not stored after all (dry run, conflict) must be taken back with [`ServiceRegistry::release`]
//! (creates) or [`ServiceRegistry::undo_update`] (updates).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::{LoadBalancerStatus, ServiceStatus};
use serde_json::{Map, Value, json};

use self::allocate::{Pools, Taking};
use self::fields::{Refusals, internal};
use self::model::{Draft, Facets, Holdings, LOAD_BALANCER, decode};
use super::error::ApiError;

pub use self::config::{ConfigError, ServiceConfig};

mod allocate;
mod carry;
mod config;
mod defaults;
mod families;
mod fields;
mod model;
mod pool;
#[cfg(test)]
mod tests;
mod validate;
mod warnings;

/// Knows which cluster IPs and node ports are out. Clones share the knowledge.
#[derive(Debug, Clone)]
pub struct ServiceRegistry {
    /// A std mutex: held for microseconds, never across an await.
    pools: Arc<Mutex<Pools>>,
}

impl Default for ServiceRegistry {
    /// Over the ranges of [`ServiceConfig::default`].
    fn default() -> Self {
        Self::over(&ServiceConfig::default())
    }
}

impl ServiceRegistry {
    /// A registry with everything free.
    pub fn new(config: &ServiceConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::over(config))
    }

    /// Turns the body of a create into what is stored: defaults, allocations, empty status. Returns warnings.
    ///
    /// # Errors
    /// 422 with one cause per offending field, 400 if a field has the wrong type, 500 if a range is exhausted or the
    /// wanted health check port is taken. Nothing stays allocated then and `object` is unchanged.
    pub fn prepare_create(&self, object: &mut Value) -> Result<Vec<String>, ApiError> {
        let mut draft = Draft::read(object)?;
        defaults::apply(&mut draft.spec);
        carry::sync_cluster_ips(None, &mut draft.spec);
        let mut pools = self.lock();
        let mut taking = Taking::begin(&mut pools);
        families::init(&mut draft, None, &taking.families())?;
        taking.create(&mut draft)?;
        validate::create(&draft)?;
        draft.write(object)?;
        set(object, "status", json!({"loadBalancer": {}}));
        taking.keep(&Holdings::default());
        Ok(warnings::of(&draft))
    }

    /// Turns the body of an update (or the result of a patch) into what is stored in place of `old`: values the
    /// client left out are carried over, what the new type has no use for is dropped, the status stays as it was.
    /// Returns warnings.
    ///
    /// # Errors
    /// As for [`Self::prepare_create`]; `old` keeps what it holds.
    pub fn prepare_update(&self, old: &Value, new: &mut Value) -> Result<Vec<String>, ApiError> {
        let before = Draft::read(old)?;
        let mut draft = Draft::read(new)?;
        defaults::apply(&mut draft.spec);
        carry::allocated(&before.spec, &mut draft.spec);
        carry::sync_cluster_ips(Some(&before.spec), &mut draft.spec);
        carry::wipe(&before.spec, &mut draft.spec);
        let mut pools = self.lock();
        let mut taking = Taking::begin(&mut pools);
        families::init(&mut draft, Some(&before.spec), &taking.families())?;
        taking.update(&before.spec, &mut draft)?;
        validate::update(&before, &draft)?;
        draft.write(new)?;
        let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
        if before.spec.kind() == LOAD_BALANCER && draft.spec.kind() != LOAD_BALANCER {
            set(&mut status, "loadBalancer", json!({}));
        }
        set(new, "status", status);
        taking.keep(&Holdings::of(&before.spec).without(&Holdings::of(&draft.spec)));
        Ok(warnings::of(&draft))
    }

    /// Turns the body of a write to `/status` into what is stored in place of `old`: the spec stays as it was, a
    /// missing `ipMode` becomes `VIP`.
    ///
    /// # Errors
    /// 422 with one cause per offending field, 400 if a field has the wrong type.
    pub fn prepare_status(&self, old: &Value, new: &mut Value) -> Result<(), ApiError> {
        let before = Draft::read(old)?;
        let old_status: ServiceStatus = decode(old.get("status"))?;
        let mut status: ServiceStatus = decode(new.get("status"))?;
        let balancer = status.load_balancer.get_or_insert_with(LoadBalancerStatus::default);
        balancer.ingress.take_if(|ingress| ingress.is_empty());
        if before.spec.kind() == LOAD_BALANCER {
            balancer.ingress.iter_mut().for_each(|ingress| defaults::ip_modes(ingress));
        }
        let written = serde_json::to_value(&*balancer).map_err(|error| internal(&error.to_string()))?;
        let mut refusals = Refusals::default();
        validate::status::check(before.spec.kind(), &old_status, &status, &mut refusals);
        refusals.into_result(&before.name)?;
        set(new, "spec", old.get("spec").cloned().unwrap_or_else(|| json!({})));
        // Conditions stay as they came: decoding would re-format their timestamps.
        let mut kept =
            new.get("status").filter(|status| status.is_object()).cloned().unwrap_or_else(|| json!({}));
        set(&mut kept, "loadBalancer", written);
        set(new, "status", kept);
        Ok(())
    }

    /// Gives back everything `object` holds: it was deleted, or its create was not stored.
    pub fn release(&self, object: &Value) {
        let held = Draft::read(object).map(|draft| Holdings::of(&draft.spec));
        // An object that does not decode was never prepared and holds nothing.
        self.lock().release(&held.unwrap_or_default());
    }

    /// Takes a prepared update back that was not stored. Sound only while no other write came between.
    pub fn undo_update(&self, old: &Value, new: &Value) {
        let (Ok(before), Ok(after)) = (Draft::read(old), Draft::read(new)) else { return };
        let (before, after) = (Holdings::of(&before.spec), Holdings::of(&after.spec));
        let mut pools = self.lock();
        pools.release(&after.without(&before));
        pools.retake(&before.without(&after));
    }

    /// How many cluster IPs and node ports are out, for tests that look for leaks.
    pub fn in_use(&self) -> (usize, usize) {
        self.lock().in_use()
    }

    fn over(config: &ServiceConfig) -> Self {
        Self { pools: Arc::new(Mutex::new(Pools::new(config))) }
    }

    fn lock(&self) -> MutexGuard<'_, Pools> {
        // Every change is complete before the guard drops, so a panic elsewhere leaves sound pools.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(object: &mut Value, field: &str, value: Value) {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Some(map) = object.as_object_mut() {
        map.insert(field.to_owned(), value);
    }
}
