//! What cannot be changed in place is replaced: the successor serves before the predecessor goes.

use std::time::Duration;

use crate::stage::{AWS, Stage, nodes, registered, web};
use landfall_core::model::DesiredLb;
use landfall_core::outcome::{Ingress, Phase};
use landfall_core::provider::Provider as _;
use rstest::rstest;

fn annotated(key: &str, value: &str) -> DesiredLb {
    web().with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

fn named(key: &str, value: &str) -> DesiredLb {
    annotated("name", "shop").with(|member| member.annotated(&format!("{AWS}{key}"), value))
}

#[rstest]
#[case::scheme(web(), annotated("scheme", "internet-facing"))]
#[case::security_groups(web(), annotated("disable-nlb-sg", "true"))]
#[case::name(web(), annotated("name", "shop"))]
#[case::scheme_under_a_given_name(annotated("name", "shop"), named("scheme", "internet-facing"))]
#[tokio::test(start_paused = true)]
async fn clients_keep_the_old_name_until_the_new_one_serves(#[case] from: DesiredLb, #[case] to: DesiredLb) {
    let stage = Stage::new();
    stage.aws.slow_down(Duration::from_mins(2));
    let old = stage.converge(&from).await.ingress;
    let outcome = stage.ensure(&to).await;
    assert_eq!(outcome.ingress, old);
    assert!(matches!(outcome.phase, Phase::Provisioning { .. }));
    assert_eq!(stage.aws.balancers().len(), 2);
    // Nodes come and go behind the one that serves.
    stage.ensure(&to.clone().on(nodes(4))).await;
    assert!(stage.aws.groups().iter().all(|group| registered(group).len() == 4));
    let outcome = stage.converge(&to.clone().on(nodes(4))).await;
    assert_ne!(outcome.ingress, old);
    let [Ingress::Hostname(name)] = outcome.ingress.as_slice() else { panic!("{outcome:?}") };
    let balancers = stage.aws.balancers();
    assert_eq!(balancers.iter().map(|it| &it.it.dns_name).collect::<Vec<_>>(), [name]);
    assert_eq!(stage.aws.groups().len(), 1);
    assert!(stage.provider.plan(&to.on(nodes(4))).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_fixed_address_goes_from_the_predecessor_to_its_successor() {
    let stage = Stage::new();
    stage.aws.edit_network(|network| {
        network.allocations.extend((1..=4).map(|n| format!("eipalloc-{n}")));
    });
    let with = |subnets: &str, addresses: &str| {
        annotated("scheme", "internet-facing").with(|member| {
            member
                .annotated(&format!("{AWS}subnets"), subnets)
                .annotated(&format!("{AWS}eip-allocations"), addresses)
        })
    };
    stage.converge(&with("public-a,public-b", "eipalloc-1,eipalloc-2")).await;
    stage.converge(&with("public-a,public-b", "eipalloc-2,eipalloc-1")).await;
    let balancers = stage.aws.balancers();
    assert_eq!(balancers.len(), 1);
    let mut addresses: Vec<_> = balancers[0].it.zones.iter().map(|zone| zone.allocation.clone()).collect();
    addresses.sort();
    assert_eq!(addresses, [Some("eipalloc-1".to_owned()), Some("eipalloc-2".to_owned())]);
}
