//! Security groups, their rules, and what holds them.

use std::time::Duration;

use landfall_aws::api::ec2::{Allow, Ec2, NewSecurityGroup, Rule, Source, WhichSecurityGroups};
use landfall_aws::api::elb::{Elb, NewLoadBalancer};
use landfall_testkit::aws::fake::{NODES, Quota, Timing, VPC};
use rstest::rstest;

use crate::common::*;

fn v4(range: &str) -> Source {
    Source::V4(range.parse().unwrap())
}

fn v6(range: &str) -> Source {
    Source::V6(range.parse().unwrap())
}

#[rstest]
#[case::taken(|new: &mut NewSecurityGroup| "one".clone_into(&mut new.name), "InvalidGroup.Duplicate")]
#[case::prefix(|new: &mut NewSecurityGroup| "sg-two".clone_into(&mut new.name), "InvalidParameterValue")]
#[case::charset(|new: &mut NewSecurityGroup| "a|b".clone_into(&mut new.name), "InvalidParameterValue")]
#[case::description(|new: &mut NewSecurityGroup| new.description.clear(), "InvalidParameterValue")]
#[case::network(|new: &mut NewSecurityGroup| new.vpc = "vpc-none".into(), "InvalidVpcID.NotFound")]
#[case::tags(|new: &mut NewSecurityGroup| new.tags = (0..51).map(|i| (i.to_string(), String::new())).collect(), "TagLimitExceeded")]
#[case::quota(|_: &mut NewSecurityGroup| (), "SecurityGroupLimitExceeded")]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused(#[case] change: fn(&mut NewSecurityGroup), #[case] expected: &str) {
    let aws = aws();
    security_group(&aws, "one").await;
    // With the one that nodes are in.
    aws.set_quota(Quota::SecurityGroups, 2);
    let mut new = NewSecurityGroup {
        name: "two".to_owned(),
        description: "for a test".to_owned(),
        vpc: VPC.into(),
        tags: tags(&[]),
    };
    change(&mut new);
    assert_eq!(code(aws.create_security_group(&new).await), expected);
}

#[tokio::test(start_paused = true)]
async fn rules_are_added_and_taken_all_or_none_whatever_their_description() {
    let aws = aws();
    let id = security_group(&aws, "one").await;
    let first = Rule { description: "first".to_owned(), ..rule(80, v4("192.0.2.0/24")) };
    aws.authorize(&id, std::slice::from_ref(&first)).await.unwrap();
    let again = [rule(81, v4("192.0.2.0/24")), Rule { description: "second".to_owned(), ..first.clone() }];
    assert_eq!(code(aws.authorize(&id, &again).await), "InvalidPermission.Duplicate");
    let unknown = [rule(80, v4("192.0.2.0/24")), rule(81, v4("192.0.2.0/24"))];
    assert_eq!(code(aws.revoke(&id, &unknown).await), "InvalidPermission.NotFound");
    let of =
        |id| async { aws.security_groups(&WhichSecurityGroups::Known(vec![id]), None).await.unwrap().items };
    assert_eq!(of(id.clone()).await[0].ingress, [first]);
    aws.revoke(&id, &unknown[..1]).await.unwrap();
    assert_eq!(of(id).await[0].ingress, []);
    assert_eq!(of("sg-none".into()).await, [], "by filter, what is unknown is no error");
}

#[tokio::test(start_paused = true)]
async fn ranges_lose_the_bits_behind_the_prefix() {
    let aws = aws();
    let id = security_group(&aws, "one").await;
    aws.authorize(&id, &[rule(80, v4("192.0.2.7/24"))]).await.unwrap();
    assert_eq!(
        aws.security_groups(&WhichSecurityGroups::Known(vec![id]), None).await.unwrap().items[0].ingress[0]
            .source,
        v4("192.0.2.0/24")
    );
}

#[rstest]
#[case::ports(Rule { allow: Allow::Tcp(81, 80), ..rule(80, v4("0.0.0.0/0")) }, "InvalidParameterValue")]
#[case::protocol(Rule { allow: Allow::Other("tls".to_owned(), 80, 80), ..rule(80, v4("0.0.0.0/0")) }, "InvalidParameterValue")]
#[case::description(Rule { description: "a|b".to_owned(), ..rule(80, v4("0.0.0.0/0")) }, "InvalidParameterValue")]
#[case::list(rule(80, Source::PrefixList("pl-none".to_owned())), "InvalidPrefixListID.NotFound")]
#[case::group(rule(80, Source::Group("sg-none".into())), "InvalidGroup.NotFound")]
#[tokio::test(start_paused = true)]
async fn bad_rules_are_refused(#[case] bad: Rule, #[case] expected: &str) {
    let aws = aws();
    let id = security_group(&aws, "one").await;
    assert_eq!(code(aws.authorize(&id, &[rule(80, v4("192.0.2.0/24")), bad]).await), expected);
    assert_eq!(
        aws.security_groups(&WhichSecurityGroups::Known(vec![id]), None).await.unwrap().items[0].ingress,
        []
    );
}

#[tokio::test(start_paused = true)]
async fn each_family_has_its_quota_and_a_prefix_list_counts_with_its_size() {
    let aws = aws();
    let id = security_group(&aws, "one").await;
    let many = |source: &dyn Fn() -> Source| (1..=60).map(|port| rule(port, source())).collect::<Vec<Rule>>();
    aws.authorize(&id, &many(&|| v4("0.0.0.0/0"))).await.unwrap();
    aws.authorize(&id, &many(&|| v6("::/0"))).await.unwrap();
    let over = aws.authorize(&id, &[rule(61, v6("::/0"))]).await;
    assert_eq!(code(over), "RulesPerSecurityGroupLimitExceeded");
    let other = security_group(&aws, "other").await;
    aws.edit_network(|network| network.prefix_lists.extend([("pl-1".to_owned(), 55)]));
    let from_list = |port| rule(port, Source::PrefixList("pl-1".to_owned()));
    aws.authorize(&other, &[from_list(80)]).await.unwrap();
    let twice = aws.authorize(&other, &[from_list(81)]).await;
    assert_eq!(code(twice), "RulesPerSecurityGroupLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_group_stays_while_another_lets_it_in() {
    let aws = aws();
    let id = security_group(&aws, "backend").await;
    let rules = [rule(80, Source::Group(id.clone()))];
    aws.authorize(&id, &rules).await.expect("a group may let itself in");
    aws.authorize(&NODES.into(), &rules).await.unwrap();
    let letting_in = WhichSecurityGroups::LettingIn(id.clone());
    assert_eq!(aws.security_groups(&letting_in, None).await.unwrap().items.len(), 2);
    assert_eq!(code(aws.delete_security_group(&id).await), "DependencyViolation");
    aws.revoke(&NODES.into(), &rules).await.unwrap();
    aws.delete_security_group(&id).await.unwrap();
    assert_eq!(code(aws.delete_security_group(&id).await), "InvalidGroup.NotFound");
    assert_eq!(
        code(aws.delete_security_group(&NODES.into()).await),
        "DependencyViolation",
        "instances are in it"
    );
}

#[tokio::test(start_paused = true)]
async fn interfaces_hold_a_group_for_a_while_after_the_load_balancer_is_gone() {
    let aws = aws();
    aws.set_timing(Timing { interface_release: Duration::from_mins(1), ..Timing::default() });
    let id = security_group(&aws, "frontend").await;
    let new = NewLoadBalancer { security_groups: vec![id.clone()], ..balancer("web") };
    let made = aws.create_balancer(&new).await.unwrap();
    aws.delete_balancer(&made.arn).await.unwrap();
    assert_eq!(code(aws.delete_security_group(&id).await), "DependencyViolation");
    let interfaces = aws.interfaces(&id, None).await.unwrap().items;
    assert_eq!(interfaces.len(), 2, "one per zone");
    assert!(interfaces[0].description.starts_with("ELB net/web/"), "{interfaces:?}");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(aws.interfaces(&id, None).await.unwrap().items, []);
    aws.delete_security_group(&id).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_carries_five_groups_at_most() {
    let aws = aws();
    let mut new = balancer("web");
    for name in ["a", "b", "c", "d", "e", "f"] {
        new.security_groups.push(security_group(&aws, name).await);
    }
    assert_eq!(code(aws.create_balancer(&new).await), "SecurityGroupsPerInterfaceLimitExceeded");
    let twice = vec![new.security_groups[0].clone(), new.security_groups[0].clone()];
    let twice = aws.create_balancer(&NewLoadBalancer { security_groups: twice, ..new }).await;
    assert_eq!(code(twice), "InvalidConfigurationRequest");
}

#[tokio::test(start_paused = true)]
async fn tags_of_groups_are_replaced_by_key_and_found_together() {
    let aws = aws();
    let id = security_group(&aws, "one").await;
    aws.create_tags(&id, &tags(&[("a", "1"), ("b", "2")])).await.unwrap();
    aws.create_tags(&id, &tags(&[("b", "3"), ("Name", "called")])).await.unwrap();
    aws.delete_tags(&id, &["a".to_owned()]).await.unwrap();
    let fake = &aws;
    let listed = |which| async move { fake.security_groups(&which, None).await.unwrap().items };
    let both = WhichSecurityGroups::Tagged(tags(&[("b", "3"), ("Name", "called")]));
    assert_eq!(listed(both).await[0].tags, tags(&[("b", "3"), ("Name", "called")]));
    assert_eq!(listed(WhichSecurityGroups::Tagged(tags(&[("a", "1")]))).await, []);
    let named =
        WhichSecurityGroups::Named { vpc: VPC.into(), names: vec!["called".to_owned(), "nodes".to_owned()] };
    assert_eq!(listed(named).await.len(), 2, "by group name and by tag");
}
