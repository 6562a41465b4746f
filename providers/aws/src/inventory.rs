//! Everything that carries this cluster's marks.

use landfall_core::ids::{ClassName, LbId, ProviderName, ShareKey};
use landfall_core::model::MemberRef;
use landfall_core::plan::Resource;
use landfall_core::provider::{Mark, Owned};

use crate::account::Account;
use crate::account::known::Known;
use crate::change::kinds;
use crate::client::Client;
use crate::error::AwsError;
use crate::marks;

/// Lists the account and tells everything that belongs to a load balancer of this cluster, ordered by load balancer.
/// The shared backend group belongs to none and goes with the last of them; one that is left without any is told as
/// that of a stand-in that no Service has. Listeners come and go with their load balancer.
pub async fn inventory(client: &Client, account: &Account) -> Result<Vec<Owned>, AwsError> {
    account.list(client).await?;
    let state = account.state();
    let mut owned: Vec<Owned> = state.all().flat_map(|(lb, known)| of_one(lb, known)).collect();
    if let (Some(backend), Some(lb)) = (state.unneeded_backend(), nobody()) {
        let resource = Resource { kind: kinds::GUARD, name: backend.name.clone() };
        owned.push(Owned { mark: Mark { lb, member: None }, resource, created: None });
    }
    let key = |owned: &Owned| (owned.mark.lb.to_string(), owned.resource.kind, owned.resource.name.clone());
    owned.sort_by_cached_key(key);
    Ok(owned)
}

/// The identity under which a backend group is told that no load balancer is left for: releasing it, as any identity of
/// which nothing else exists, removes the group. It looks like that of a group of Services that nobody has.
fn nobody() -> Option<LbId> {
    let class = ClassName::new("no-class").ok()?;
    let key = ShareKey::new("backend-security-group").ok()?;
    Some(LbId::share(ProviderName::Aws, class, None, key))
}

fn of_one(lb: &LbId, known: &Known) -> Vec<Owned> {
    let owned = |member: Option<MemberRef>, kind, name: &str, created| Owned {
        mark: Mark { lb: lb.clone(), member },
        resource: Resource { kind, name: name.to_owned() },
        created,
    };
    let mut all = Vec::new();
    for balancer in &known.balancers {
        all.push(owned(
            marks::member(&balancer.tags),
            kinds::BALANCER,
            &balancer.it.name,
            balancer.it.created,
        ));
    }
    for group in &known.groups {
        all.push(owned(marks::member(&group.tags), kinds::GROUP, &group.it.name, None));
    }
    for group in &known.frontend {
        all.push(owned(marks::member(&group.tags), kinds::GUARD, &group.name, None));
    }
    all
}
