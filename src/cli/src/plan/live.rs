//! Reads the cluster: every list once, in pages, nothing is watched and nothing is written.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource};
use landfall_runtime::client::bounded;
use serde::de::DeserializeOwned;

use super::Objects;

/// Objects per page, as `kubectl` asks for.
const PAGE: u32 = 500;
/// Bound of one page.
const LIMIT: Duration = Duration::from_secs(30);

/// Reads everything that a plan may need. What is missing or unreadable there becomes a note.
pub(crate) async fn read(client: &Client, notes: &mut Vec<String>) -> Result<Objects> {
    Ok(Objects {
        services: list(client, notes).await?,
        nodes: list(client, notes).await?,
        slices: list(client, notes).await?,
        namespaces: list(client, notes).await?,
        classes: list(client, notes).await?,
        pools: list(client, notes).await?,
    })
}

async fn list<K>(client: &Client, notes: &mut Vec<String>) -> Result<Vec<K>>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let api: Api<DeserializeGuard<K>> = Api::all(client.clone());
    let kind = K::kind(&());
    let (mut objects, mut params) = (Vec::new(), ListParams::default().limit(PAGE));
    loop {
        let page = match bounded(LIMIT, || format!("list {}", K::plural(&())), api.list(&params)).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => {
                notes.push(format!("the cluster does not know {kind}: apply `landfall crds` to it"));
                return Ok(Vec::new());
            }
            Err(error) => {
                return Err(error).context("the cluster cannot be read (--offline plans without it)");
            }
        };
        for object in page.items {
            match object.0 {
                Ok(object) => objects.push(object),
                Err(bad) => {
                    let name = bad.metadata.name.unwrap_or_default();
                    notes.push(format!(
                        "{kind} {name} of the cluster cannot be read and is left out: {}",
                        bad.error
                    ));
                }
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = ListParams::default().limit(PAGE).continue_token(&token),
            None => return Ok(objects),
        }
    }
}
