//! Everything that carries this cluster's marks.

use landfall_core::plan::Resource;
use landfall_core::provider::{Mark, Owned};

use crate::account::Account;
use crate::client::Client;
use crate::error::GcpError;
use crate::observe::Owner;

/// Lists the project and tells everything that belongs to a load balancer of this cluster, ordered by load balancer. What
/// all of them share belongs to none; it goes with the last of them.
pub(crate) async fn inventory(client: &Client, account: &Account) -> Result<Vec<Owned>, GcpError> {
    account.find_network_project(client).await?;
    account.list(client).await?;
    let state = account.state();
    let owned = state.all().filter_map(|(reference, owner, it)| {
        let Owner::Lb { lb, member } = owner else { return None };
        let mark = Mark { lb: lb.clone(), member: member.clone() };
        let resource = Resource { kind: reference.kind.word(), name: reference.name.clone() };
        Some(Owned { mark, resource, created: it.created() })
    });
    let mut owned: Vec<Owned> = owned.collect();
    let key = |owned: &Owned| (owned.mark.lb.to_string(), owned.resource.kind, owned.resource.name.clone());
    owned.sort_by_cached_key(key);
    Ok(owned)
}
