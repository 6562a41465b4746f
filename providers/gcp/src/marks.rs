//! Ownership marks: the only place that knows how descriptions and labels tell whose a resource is.
//!
//! Most kinds of resources have no labels, but all have a description, of at most 2,048 characters where it is limited at
//! all. Ours is a JSON object. One that cannot be read, or that lacks what it must say, is somebody else's: names say
//! nothing about ownership.

use std::collections::BTreeMap;

use landfall_core::ids::{ClusterId, LbId, Uid};
use landfall_core::model::MemberRef;
use landfall_core::provider::Mark;
use serde_json::{Map, Value};

/// Label of forwarding rules and addresses: the cluster. Keys of labels have no dots or slashes.
pub const CLUSTER_LABEL: &str = "landfall-cluster";

/// What a resource is for that all load balancers of a cluster share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The health check of kube-proxy's own port.
    SharedHealthCheck,
    /// The firewall rule that lets it in.
    SharedHealthFirewall,
    /// A group of nodes.
    SharedNodes,
}

/// The description of what serves all members of a load balancer.
pub fn of_lb(cluster: &ClusterId, lb: &LbId) -> String {
    text(&[(CLUSTER, cluster.as_str()), (LOAD_BALANCER, &lb.to_string())])
}

/// The description of what serves one member of a load balancer.
pub fn of_member(cluster: &ClusterId, lb: &LbId, member: &MemberRef) -> String {
    let served = format!("{}/{}", member.service, member.uid);
    text(&[(CLUSTER, cluster.as_str()), (LOAD_BALANCER, &lb.to_string()), (MEMBER, &served)])
}

/// The description of a backend service, which also tells over how many shards the nodes were spread when it was made or
/// changed last; one is not told.
pub fn of_service(cluster: &ClusterId, lb: &LbId, member: &MemberRef, shards: usize) -> String {
    let (lb, served) = (lb.to_string(), format!("{}/{}", member.service, member.uid));
    let (of_member, shards) =
        ([(CLUSTER, cluster.as_str()), (LOAD_BALANCER, &lb), (MEMBER, &served)], shards.to_string());
    if shards == "1" { text(&of_member) } else { text(&[&of_member[..], &[(SHARDS, &shards)]].concat()) }
}

/// The description of what all load balancers of a cluster share.
pub fn shared(cluster: &ClusterId, role: Role) -> String {
    text(&[(CLUSTER, cluster.as_str()), (ROLE, role.as_str())])
}

/// The description of a group of nodes that all load balancers of a cluster share, and which of their shards it holds.
pub fn shared_nodes(cluster: &ClusterId, shard: usize) -> String {
    let role = Role::SharedNodes.as_str();
    text(&[(CLUSTER, cluster.as_str()), (ROLE, role), (SHARD, &shard.to_string())])
}

/// Whether a resource with this description belongs to the cluster.
pub fn is_ours(cluster: &ClusterId, description: &str) -> bool {
    Description::read(description).is_some_and(|found| found.cluster == *cluster)
}

/// The mark that a description expresses; `None` for what is shared, and for what is somebody else's.
pub fn mark(description: &str) -> Option<Mark> {
    match Description::read(description)?.of {
        Of::Balancer { mark, .. } => Some(mark),
        Of::Shared { .. } => None,
    }
}

/// What a resource is for that all load balancers of a cluster share; `None` for others.
pub fn role(description: &str) -> Option<Role> {
    match Description::read(description)?.of {
        Of::Balancer { .. } => None,
        Of::Shared { role, .. } => Some(role),
    }
}

/// Which shard of the nodes a shared group holds.
pub fn shard(description: &str) -> Option<usize> {
    match Description::read(description)?.of {
        Of::Balancer { .. } => None,
        Of::Shared { shard, .. } => shard,
    }
}

/// Over how many shards the nodes were spread when the backend service with this description was made or changed last;
/// `None` for one, and for what is somebody else's.
pub fn shards(description: &str) -> Option<usize> {
    match Description::read(description)?.of {
        Of::Balancer { shards, .. } => shards,
        Of::Shared { .. } => None,
    }
}

/// The labels of what can have some: those of the user, and the cluster.
pub fn labels(cluster: &ClusterId, of_user: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = of_user.clone();
    labels.insert(CLUSTER_LABEL.to_owned(), cluster.to_string());
    labels
}

impl Role {
    const ALL: [Self; 3] = [Self::SharedHealthCheck, Self::SharedHealthFirewall, Self::SharedNodes];

    /// The word in descriptions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedHealthCheck => "shared-health-check",
            Self::SharedHealthFirewall => "shared-health-firewall",
            Self::SharedNodes => "shared-nodes",
        }
    }
}

const CLUSTER: &str = "landfall.dev/cluster";
const LOAD_BALANCER: &str = "landfall.dev/load-balancer";
const MEMBER: &str = "landfall.dev/member";
const ROLE: &str = "landfall.dev/role";
const SHARD: &str = "landfall.dev/shard";
const SHARDS: &str = "landfall.dev/shards";

/// What a description of ours says.
struct Description {
    cluster: ClusterId,
    of: Of,
}

/// Whose a resource of a cluster is.
enum Of {
    Balancer { mark: Mark, shards: Option<usize> },
    Shared { role: Role, shard: Option<usize> },
}

impl Description {
    /// Every field that is there must be readable: half an owner is none.
    fn read(description: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(description).ok()?;
        let text = |key: &str| fields.get(key).map(|value| value.as_str().unwrap_or_default());
        let cluster = text(CLUSTER)?.parse().ok()?;
        let of = match (text(LOAD_BALANCER), text(ROLE)) {
            (Some(lb), None) => {
                let member = match text(MEMBER) {
                    Some(served) => Some(member(served)?),
                    None => None,
                };
                let shards = match text(SHARDS) {
                    Some(number) => Some(number.parse().ok()?),
                    None => None,
                };
                Of::Balancer { mark: Mark { lb: lb.parse().ok()?, member }, shards }
            }
            (None, Some(word)) => {
                let role = Role::ALL.into_iter().find(|role| role.as_str() == word)?;
                let shard = match text(SHARD) {
                    Some(number) => Some(number.parse().ok()?),
                    None => None,
                };
                Of::Shared { role, shard }
            }
            _ => return None,
        };
        Some(Self { cluster, of })
    }
}

fn text(fields: &[(&str, &str)]) -> String {
    let fields: Map<String, Value> =
        fields.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
    Value::Object(fields).to_string()
}

fn member(text: &str) -> Option<MemberRef> {
    let (service, uid) = text.rsplit_once('/')?;
    Some(MemberRef { service: service.parse().ok()?, uid: Uid::new(uid).ok()? })
}

#[cfg(test)]
mod tests {
    use landfall_core::ids::{ClassName, ProviderName, ServiceKey, ShareKey};
    use rstest::rstest;

    use super::*;

    /// Google's limit of descriptions of forwarding rules, addresses, health checks and firewall rules.
    const LIMIT: usize = 2_048;

    fn cluster(name: &str) -> ClusterId {
        ClusterId::new(name).unwrap()
    }

    fn longest() -> MemberRef {
        MemberRef {
            service: ServiceKey::new("n".repeat(63), "s".repeat(63)),
            uid: Uid::new("u".repeat(128)).unwrap(),
        }
    }

    fn lone() -> LbId {
        LbId::service(ProviderName::Gcp, longest().service, longest().uid)
    }

    fn group(namespace: Option<&str>) -> LbId {
        let (class, key) = (ClassName::new("c".repeat(63)).unwrap(), ShareKey::new("Key_1.x").unwrap());
        LbId::share(ProviderName::Gcp, class, namespace.map(str::to_owned), key)
    }

    #[rstest]
    #[case(lone())]
    #[case(group(None))]
    #[case(group(Some("default")))]
    fn marks_survive_a_round_trip(#[case] lb: LbId) {
        let prod = cluster(&"p".repeat(63));
        let (whole, of_member) = (of_lb(&prod, &lb), of_member(&prod, &lb, &longest()));
        assert_eq!(mark(&whole), Some(Mark { lb: lb.clone(), member: None }));
        assert_eq!(mark(&of_member), Some(Mark { lb, member: Some(longest()) }));
        for text in [whole, of_member] {
            assert!(text.len() <= LIMIT);
            assert!(is_ours(&prod, &text) && !is_ours(&cluster("test"), &text));
            assert_eq!((role(&text), shard(&text)), (None, None));
        }
    }

    #[test]
    fn a_description_is_what_the_reference_says() {
        let member = MemberRef { service: ServiceKey::new("default", "web"), uid: Uid::new("u1").unwrap() };
        let lb = LbId::service(ProviderName::Gcp, member.service.clone(), member.uid.clone());
        assert_eq!(
            of_member(&cluster("prod"), &lb, &member),
            r#"{"landfall.dev/cluster":"prod","landfall.dev/load-balancer":"gcp:service/default/web/u1","landfall.dev/member":"default/web/u1"}"#
        );
        assert_eq!(
            shared_nodes(&cluster("prod"), 3),
            r#"{"landfall.dev/cluster":"prod","landfall.dev/role":"shared-nodes","landfall.dev/shard":"3"}"#
        );
    }

    #[rstest]
    #[case(Role::SharedHealthCheck)]
    #[case(Role::SharedHealthFirewall)]
    #[case(Role::SharedNodes)]
    fn what_is_shared_tells_its_role_and_no_load_balancer(#[case] wanted: Role) {
        let text = shared(&cluster("prod"), wanted);
        assert_eq!((role(&text), mark(&text), shard(&text)), (Some(wanted), None, None));
        assert!(is_ours(&cluster("prod"), &text));
    }

    #[test]
    fn groups_of_nodes_tell_their_shard() {
        let text = shared_nodes(&cluster("prod"), 12);
        assert_eq!((role(&text), shard(&text)), (Some(Role::SharedNodes), Some(12)));
    }

    #[test]
    fn backend_services_tell_how_many_shards_there_are() {
        let text = of_service(&cluster("prod"), &lone(), &longest(), 4);
        assert_eq!(
            (shards(&text), mark(&text)),
            (Some(4), Some(Mark { lb: lone(), member: Some(longest()) }))
        );
        assert_eq!(
            of_service(&cluster("prod"), &lone(), &longest(), 1),
            of_member(&cluster("prod"), &lone(), &longest())
        );
    }

    #[rstest]
    #[case::nothing("")]
    #[case::text("made by hand")]
    #[case::another_controller(r#"{"networking.gke.io/service-name":"default/web"}"#)]
    #[case::not_an_object(r#"["landfall.dev/cluster"]"#)]
    #[case::cluster_alone(r#"{"landfall.dev/cluster":"prod"}"#)]
    #[case::no_cluster(r#"{"landfall.dev/load-balancer":"gcp:service/default/web/u1"}"#)]
    #[case::no_id(r#"{"landfall.dev/cluster":"prod","landfall.dev/load-balancer":"web"}"#)]
    #[case::bad_cluster(r#"{"landfall.dev/cluster":"Prod!","landfall.dev/role":"shared-nodes"}"#)]
    #[case::unknown_role(r#"{"landfall.dev/cluster":"prod","landfall.dev/role":"shared-lunch"}"#)]
    #[case::bad_member(
        r#"{"landfall.dev/cluster":"prod","landfall.dev/load-balancer":"gcp:service/default/web/u1","landfall.dev/member":"web"}"#
    )]
    #[case::member_is_a_number(
        r#"{"landfall.dev/cluster":"prod","landfall.dev/load-balancer":"gcp:service/default/web/u1","landfall.dev/member":7}"#
    )]
    #[case::both(
        r#"{"landfall.dev/cluster":"prod","landfall.dev/load-balancer":"gcp:service/default/web/u1","landfall.dev/role":"shared-nodes"}"#
    )]
    #[case::cut(r#"{"landfall.dev/cluster":"prod","landfall.dev/ro"#)]
    fn what_cannot_be_read_is_foreign(#[case] description: &str) {
        assert!(!is_ours(&cluster("prod"), description));
        assert_eq!((mark(description), role(description), shard(description)), (None, None, None));
    }

    #[test]
    fn the_cluster_label_wins() {
        let of_user = BTreeMap::from([
            ("team".to_owned(), "shop".to_owned()),
            (CLUSTER_LABEL.to_owned(), "other".to_owned()),
        ]);
        let labels = labels(&cluster("prod"), &of_user);
        assert_eq!(labels.get(CLUSTER_LABEL).map(String::as_str), Some("prod"));
        assert_eq!(labels.get("team").map(String::as_str), Some("shop"));
    }
}
