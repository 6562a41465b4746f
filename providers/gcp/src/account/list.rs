//! Reading the project.

use futures::future::try_join_all;

use super::{Account, Collection};
use crate::api::types::{
    Address, BackendService, EndpointGroup, Firewall, ForwardingRule, HealthCheck, InstanceGroup, Region,
    Resource,
};
use crate::api::{Kind, Place, Reference, Scope};
use crate::client::Client;
use crate::error::GcpError;
use crate::names;
use crate::observe::Thing;

/// Lists collections and takes over what they tell. One that fails fails the whole: what was known of it stays as it
/// was, and as old.
pub(super) async fn read(
    client: &Client,
    account: &Account,
    collections: Vec<Collection>,
) -> Result<(), GcpError> {
    try_join_all(collections.iter().map(|collection| read_one(client, account, collection))).await?;
    Ok(())
}

/// Reads the zones of the region.
pub(super) async fn read_zones(client: &Client, account: &Account) -> Result<(), GcpError> {
    let Scope::Region(region) = &account.region.scope else { return Ok(()) };
    let project = Place::global(&account.region.project);
    let region: Region = client.get(&project.at(Kind::Region, region)).await?;
    let zones = region.zones.iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned);
    account.state().add_zones(zones.collect::<Vec<_>>());
    Ok(())
}

async fn read_one(client: &Client, account: &Account, collection: &Collection) -> Result<(), GcpError> {
    let began = account.state().moment();
    let (place, kind) = collection;
    let items = match kind {
        Kind::Address => list::<Address>(client, place, Thing::Address).await?,
        Kind::BackendService => list::<BackendService>(client, place, Thing::BackendService).await?,
        Kind::EndpointGroup => list::<EndpointGroup>(client, place, Thing::EndpointGroup).await?,
        Kind::ForwardingRule => list::<ForwardingRule>(client, place, Thing::ForwardingRule).await?,
        Kind::HealthCheck => list::<HealthCheck>(client, place, Thing::HealthCheck).await?,
        Kind::InstanceGroup => list::<InstanceGroup>(client, place, Thing::InstanceGroup).await?,
        Kind::Firewall => match list::<Firewall>(client, place, Thing::Firewall).await {
            Err(error) if account.is_host(place) && error.is_forbidden() => {
                account.state().hide_firewalls(collection, began, error.to_string());
                return Ok(());
            }
            answer => answer?,
        },
        Kind::Instance | Kind::Network | Kind::Region | Kind::Subnetwork => return Ok(()),
    };
    account.state().merge(collection, began, items);
    Ok(())
}

async fn list<T: Resource>(
    client: &Client,
    place: &Place,
    thing: fn(T) -> Thing,
) -> Result<Vec<Thing>, GcpError> {
    let all = client.list::<T>(place, Some(names::FILTER)).await?;
    Ok(all.into_iter().map(thing).collect())
}

/// One thing as it is now; `None` if it is not there.
pub(crate) async fn get(client: &Client, what: &Reference) -> Result<Option<Thing>, GcpError> {
    Ok(match what.kind {
        Kind::Address => client.find(what).await?.map(Thing::Address),
        Kind::BackendService => client.find(what).await?.map(Thing::BackendService),
        Kind::EndpointGroup => client.find(what).await?.map(Thing::EndpointGroup),
        Kind::Firewall => client.find(what).await?.map(Thing::Firewall),
        Kind::ForwardingRule => client.find(what).await?.map(Thing::ForwardingRule),
        Kind::HealthCheck => client.find(what).await?.map(Thing::HealthCheck),
        Kind::InstanceGroup => client.find(what).await?.map(Thing::InstanceGroup),
        Kind::Instance | Kind::Network | Kind::Region | Kind::Subnetwork => None,
    })
}
