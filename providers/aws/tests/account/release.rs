//! What a release sees, and who lets the backend group in.

use std::collections::BTreeSet;

use landfall_aws::api::Action;
use landfall_aws::api::ec2::{Allow, Ec2, NewSecurityGroup, Rule, Source};
use landfall_aws::api::ids::{SecurityGroupId, VpcId};
use landfall_aws::marks;
use landfall_aws::resources::{BackendWish, SecurityGroupWish, Wanted};
use landfall_testkit::aws::fake::{NODES, VPC};

use crate::world::{World, cluster, lb, wanted};

fn with_backend(n: usize) -> Wanted {
    let mut wish = wanted(n);
    let group = SecurityGroupWish {
        name: "lf-backend".to_owned(),
        description: "backend".to_owned(),
        rules: BTreeSet::new(),
        tags: marks::of_backend(&cluster()),
    };
    wish.backend = Some(BackendWish {
        group,
        node_groups: BTreeSet::from([SecurityGroupId::from(NODES)]),
        allow: BTreeSet::from([Allow::Tcp(30_000, 32_767)]),
        mark: marks::backend_rule(&cluster()),
    });
    wish
}

/// The backend group, and the nodes open to it.
async fn open_nodes(world: &World) -> SecurityGroupId {
    let console = world.aws.console();
    let new = NewSecurityGroup {
        name: "lf-backend".to_owned(),
        description: "backend".to_owned(),
        vpc: VpcId::from(VPC),
        tags: marks::of_backend(&cluster()),
    };
    let id = console.create_security_group(&new).await.unwrap();
    let rule = Rule {
        allow: Allow::Tcp(30_000, 32_767),
        source: Source::Group(id.clone()),
        description: marks::backend_rule(&cluster()),
    };
    console.authorize(&SecurityGroupId::from(NODES), &[rule]).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_known_to_be_open_are_read_for_one_of_all() {
    let world = World::new();
    let wishes = [with_backend(1), with_backend(2), with_backend(3)];
    let id = open_nodes(&world).await;
    for (at, wish) in wishes.iter().enumerate() {
        world.make(wish).await;
        let observed = world.look(wish).await.unwrap().observed;
        assert_eq!(observed.node_groups.len(), usize::from(at == 0));
        if at == 0 {
            assert_eq!(observed.backend.map(|group| group.id), Some(id.clone()));
        }
    }
    let mut wider = wishes[0].clone();
    wider.backend.as_mut().unwrap().allow.insert(Allow::Udp(30_000, 32_767));
    let observed = world.look(&wider).await.unwrap().observed;
    assert_eq!(observed.node_groups.len(), 1, "it is not known to let that in, too");
}

#[tokio::test(start_paused = true)]
async fn a_release_sees_what_it_depends_on() {
    let world = World::new();
    let (wish, other) = (with_backend(1), with_backend(2));
    let id = open_nodes(&world).await;
    world.make(&wish).await;
    world.make(&other).await;
    let look = world.look_for_release(&wish.lb).await;
    assert_eq!(
        look.observed.backend.map(|group| group.id),
        Some(id),
        "what it carries, be it the last or not"
    );
    assert_eq!(look.observed.groups.len(), 1);
    let attributes = look.observed.balancers[0].details.as_ref().map(|details| &details.attributes);
    assert_eq!(attributes.unwrap().get("deletion_protection.enabled").map(String::as_str), Some("false"));
    assert_eq!(look.look_again, None);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_exists_a_release_sees_nothing() {
    let world = World::new();
    let look = world.look_for_release(&lb(1)).await;
    assert_eq!(look.observed, landfall_aws::observe::Observed::default());
    assert_eq!(world.count(Action::DescribeLoadBalancerAttributes), 0);
}
