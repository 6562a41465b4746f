//! Ownership marks: the only place that knows the tag keys.

use landfall_core::ids::{ClusterId, LbId, Uid};
use landfall_core::model::MemberRef;
use landfall_core::provider::Mark;

use crate::cloud::Tags;

const CLUSTER: &str = "landfall.dev/cluster";
const LOAD_BALANCER: &str = "landfall.dev/load-balancer";
const MEMBER: &str = "landfall.dev/member";

/// Tags of everything that belongs to a cluster.
pub(crate) fn of_cluster(cluster: &ClusterId) -> Tags {
    Tags::from([(CLUSTER.to_owned(), cluster.to_string())])
}

/// Tags of everything that belongs to a load balancer.
pub(crate) fn of_lb(cluster: &ClusterId, lb: &LbId) -> Tags {
    let mut tags = of_cluster(cluster);
    tags.insert(LOAD_BALANCER.to_owned(), lb.to_string());
    tags
}

/// Tags of what serves one member of a load balancer.
pub(crate) fn of_member(cluster: &ClusterId, lb: &LbId, member: &MemberRef) -> Tags {
    let mut tags = of_lb(cluster, lb);
    tags.insert(MEMBER.to_owned(), format!("{}/{}", member.service, member.uid));
    tags
}

/// Whether all of `marks` are among the tags.
pub(crate) fn carries(tags: &Tags, marks: &Tags) -> bool {
    marks.iter().all(|(key, value)| tags.get(key) == Some(value))
}

/// The member that an object serves; `None` if it serves all, or if the tag cannot be read.
pub(crate) fn member(tags: &Tags) -> Option<MemberRef> {
    let (service, uid) = tags.get(MEMBER)?.rsplit_once('/')?;
    Some(MemberRef { service: service.parse().ok()?, uid: Uid::new(uid).ok()? })
}

/// The mark that tags express; `None` if they name no load balancer that can be read.
pub(crate) fn mark(tags: &Tags) -> Option<Mark> {
    Some(Mark { lb: tags.get(LOAD_BALANCER)?.parse().ok()?, member: member(tags) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::ids::ProviderName;
    use landfall_core::testing;

    #[test]
    fn marks_survive_a_round_trip() {
        let cluster = ClusterId::new("test").unwrap();
        let lb = testing::lb(ProviderName::Memory, "web");
        let member = lb.members[0].as_ref();
        let tags = of_member(&cluster, &lb.id, &member);
        assert_eq!(mark(&tags), Some(Mark { lb: lb.id.clone(), member: Some(member) }));
        assert!(carries(&tags, &of_lb(&cluster, &lb.id)));
        assert!(!carries(&of_lb(&cluster, &lb.id), &tags));
        assert_eq!(mark(&of_cluster(&cluster)), None);
    }
}
