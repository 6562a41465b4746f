//! How far the quotas are used of which Google says that one is used up.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::api::types::{Quota, Region};
use crate::api::{Kind, Place, Scope};
use crate::client::Client;
use crate::error::{Figures, GcpError, Object};

/// How long the figures are good: they are only told to people.
const GOOD_FOR: Duration = Duration::from_mins(1);

/// What the project has and may have in the region, as Google told it last.
#[derive(Debug, Default)]
pub struct Quotas {
    told: Mutex<Option<(Instant, Vec<Figures>)>>,
}

impl Quotas {
    /// Adds the figures to an error about a quota of the region. Any other error, and one whose figures Google does not
    /// tell now, is answered as it is: what went wrong matters more.
    pub async fn explain(&self, client: &Client, error: GcpError) -> GcpError {
        let GcpError::Call(call) = &error else { return error };
        let Object::One(what) = &call.object else { return error };
        let Scope::Region(region) = &what.place.scope else { return error };
        if !error.is_about_quota() {
            return error;
        }
        let region = Place::global(what.place.project.clone()).at(Kind::Region, region.clone());
        let metrics = metrics(what.kind);
        let mut told = self.told.lock().await;
        if told.as_ref().is_none_or(|(at, _)| at.elapsed() >= GOOD_FOR) {
            let Ok(region) = client.get::<Region>(&region).await else { return error };
            *told = Some((Instant::now(), figures(region)));
        }
        let all = told.iter().flat_map(|(_, figures)| figures);
        let full = all.filter(|figures| metrics.contains(&figures.metric.as_str()) && is_full(figures));
        let full: Vec<Figures> = full.cloned().collect();
        drop(told);
        error.with_figures(full)
    }
}

fn figures(region: Region) -> Vec<Figures> {
    let figures = |quota: Quota| Figures { metric: quota.metric, used: quota.usage, limit: quota.limit };
    region.quotas.into_iter().map(figures).collect()
}

/// Whether one more would be too many.
fn is_full(figures: &Figures) -> bool {
    figures.used + 1.0 > figures.limit
}

/// What a new resource of this kind is counted as in its region.
fn metrics(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Address => &["STATIC_ADDRESSES", "IN_USE_ADDRESSES", "STATIC_EXTERNAL_IPV6_ADDRESS_RANGES"],
        Kind::BackendService => &["BACKEND_SERVICES", "REGION_BACKEND_SERVICES"],
        Kind::ForwardingRule => &[
            "FORWARDING_RULES",
            "EXTERNAL_NETWORK_LB_FORWARDING_RULES",
            "EXTERNAL_MANAGED_FORWARDING_RULES",
            "INTERNAL_FORWARDING_RULES",
            "IN_USE_ADDRESSES",
            "EXTERNAL_IPV6_ADDRESS_RANGES",
        ],
        Kind::HealthCheck => &["HEALTH_CHECKS"],
        Kind::EndpointGroup => &["NETWORK_ENDPOINT_GROUPS"],
        Kind::InstanceGroup => &["INSTANCE_GROUPS"],
        Kind::Firewall | Kind::Instance | Kind::Network | Kind::Region | Kind::Subnetwork => &[],
    }
}
