//! Quotas of a project, as regions tell them.

use std::collections::BTreeMap;

use landfall_gcp::api::{Kind, Place, Scope};
use serde_json::{Value, json};

use super::json::text;
use super::refused::Refused;
use super::state::State;

/// A quota that counts resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Backend services per region.
    BackendServices,
    /// Firewall rules per project.
    Firewalls,
    /// Forwarding rules per region.
    ForwardingRules,
    /// Health checks per region.
    HealthChecks,
    /// Network endpoint groups per region.
    EndpointGroups,
    /// Reserved external addresses per region.
    StaticAddresses,
}

/// How a request over a quota is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuotaShape {
    /// HTTP 403 with `errors[].reason` `quotaExceeded`.
    #[default]
    Classic,
    /// HTTP 403 with status `RESOURCE_EXHAUSTED` and `details`.
    Detailed,
    /// The request is accepted, and its operation ends with `QUOTA_EXCEEDED`.
    Operation,
}

/// The limits in force.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    limits: BTreeMap<Quota, usize>,
    pub(super) shape: QuotaShape,
}

impl Quotas {
    pub(super) fn set(&mut self, quota: Quota, limit: usize) {
        self.limits.insert(quota, limit);
    }

    fn limit(&self, quota: Quota) -> usize {
        self.limits.get(&quota).copied().unwrap_or(quota.default_limit())
    }
}

impl Quota {
    const ALL: [Self; 6] = [
        Self::BackendServices,
        Self::Firewalls,
        Self::ForwardingRules,
        Self::HealthChecks,
        Self::EndpointGroups,
        Self::StaticAddresses,
    ];

    /// The metric's name.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::BackendServices => "BACKEND_SERVICES",
            Self::Firewalls => "FIREWALLS",
            Self::ForwardingRules => "FORWARDING_RULES",
            Self::HealthChecks => "HEALTH_CHECKS",
            Self::EndpointGroups => "NETWORK_ENDPOINT_GROUPS",
            Self::StaticAddresses => "STATIC_ADDRESSES",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::BackendServices => Kind::BackendService,
            Self::Firewalls => Kind::Firewall,
            Self::ForwardingRules => Kind::ForwardingRule,
            Self::HealthChecks => Kind::HealthCheck,
            Self::EndpointGroups => Kind::EndpointGroup,
            Self::StaticAddresses => Kind::Address,
        }
    }

    /// Reserved addresses are scarce by default, as in a new project; of the others there are enough for any test.
    const fn default_limit(self) -> usize {
        match self {
            Self::StaticAddresses => 8,
            _ => 10_000,
        }
    }
}

impl State {
    /// Why one more resource like this would be too many, if it would.
    pub(super) fn over_quota(&self, place: &Place, kind: Kind, internal: bool) -> Option<Refused> {
        let quota = Quota::ALL.into_iter().find(|quota| quota.kind() == kind)?;
        if quota == Quota::StaticAddresses && internal {
            return None;
        }
        let limit = self.quotas.limit(quota);
        // Counting takes a while where there is much, and seldom matters.
        if self.store.len() < limit {
            return None;
        }
        let metric = quota.metric();
        let message = || format!("Quota '{metric}' exceeded. Limit: {limit}.0 in {place}.");
        (self.usage(quota, place) >= limit).then(|| Refused::new(403, "quotaExceeded", message()))
    }

    fn usage(&self, quota: Quota, place: &Place) -> usize {
        let of = |place: &Place| self.store.of(place, quota.kind(), "").count();
        match (quota, &place.scope) {
            (Quota::EndpointGroups, scope) => {
                let region = match scope {
                    Scope::Zone(zone) => self.region_of(&place.project, zone).unwrap_or_default(),
                    Scope::Region(region) => region.clone(),
                    Scope::Global => String::new(),
                };
                self.zones_of(&place.project, &region).iter().map(of).sum()
            }
            (Quota::StaticAddresses, _) => {
                let all = self.store.of(place, Kind::Address, "");
                all.filter(|(_, record)| text(&record.body, "addressType") != Some("INTERNAL")).count()
            }
            _ => of(place),
        }
    }

    /// The `quotas` of a region.
    pub(super) fn quotas_of(&self, region: &Place) -> Value {
        let of_region = Quota::ALL.into_iter().filter(|quota| *quota != Quota::Firewalls);
        of_region
            .map(|quota| {
                let (limit, usage) = (self.quotas.limit(quota), self.usage(quota, region));
                json!({ "metric": quota.metric(), "limit": limit, "usage": usage })
            })
            .collect()
    }
}
