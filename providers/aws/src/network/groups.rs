//! Security groups by id or name.

use super::{Known, NetworkError};
use crate::api::ec2::SecurityGroup;
use crate::api::ids::SecurityGroupId;
use crate::settings::{BalancerSettings, Security};

/// Whether a user's word for a security group is an id.
pub(super) fn is_id(name: &str) -> bool {
    name.starts_with("sg-")
}

/// Whether a user means this group by a word: its id, its name or its `Name` tag.
pub(super) fn is_called(group: &SecurityGroup, name: &str) -> bool {
    if is_id(name) {
        return group.id.as_str() == name;
    }
    group.name == name || group.tags.get("Name").is_some_and(|tag| tag == name)
}

/// The user's security groups, in the order given, each once.
pub(super) fn given(
    settings: &BalancerSettings,
    known: &Known,
) -> Result<Vec<SecurityGroupId>, NetworkError> {
    let Security::Given { groups, .. } = &settings.security else { return Ok(Vec::new()) };
    let mut ids = Vec::with_capacity(groups.len());
    for name in groups {
        let id = resolve(name, known)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn resolve(name: &str, known: &Known) -> Result<SecurityGroupId, NetworkError> {
    let here = known.groups.iter().filter(|group| group.vpc == known.vpc.id);
    let mut found: Vec<SecurityGroupId> =
        here.filter(|group| is_called(group, name)).map(|group| group.id.clone()).collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(NetworkError::UnknownSecurityGroup { vpc: known.vpc.id.clone(), name: name.to_owned() }),
        _ => Err(NetworkError::AmbiguousSecurityGroup { name: name.to_owned(), groups: found }),
    }
}
