use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use landfall_core::error::{Classified, ErrorClass};
use landfall_core::net::IpFamily;
use landfall_core::params::aws::{HealthProtocol, Scheme};
use rstest::rstest;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::api::Category;
use crate::api::ec2::{Allow, NewSecurityGroup, Rule, Source, WhichSecurityGroups};
use crate::api::elb::{
    AddressType, GroupTargets, HealthCheck, ListenerSpec, NewListener, NewLoadBalancer, NewTargetGroup,
    NlbProtocol, SubnetChange, TAGS_AT_ONCE, Target, WhichBalancers, WhichGroups,
};
use crate::api::ids::{InstanceId, ListenerArn, LoadBalancerArn, SecurityGroupId, TargetGroupArn, VpcId};
use crate::observer::Observer;
use crate::pace::Limits;

mod script;

use script::{Script, answered};

/// What an observer was told, as text.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Observer for Told {
    fn called(&self, action: Action, outcome: &'static str, took: Duration) {
        self.note(format!("{} {outcome} {}s", action.as_str(), took.as_secs()));
    }

    fn paced(&self, category: Category, waited: Duration) {
        self.note(format!("{category:?} waited {}ms", waited.as_millis()));
    }

    fn circuit(&self, open: bool) {
        self.note(format!("circuit {}", if open { "open" } else { "closed" }));
    }
}

struct World {
    script: Arc<Script>,
    told: Arc<Told>,
    client: Client,
}

fn world(limits: &Limits) -> World {
    let (script, told) = (Arc::new(Script::default()), Arc::new(Told::default()));
    let calls = Calls::new(script.clone(), script.clone(), limits, told.clone());
    World { script, told, client: Client::new(&Arc::new(calls), "default/web") }
}

fn unpaced() -> World {
    world(&Limits::none())
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("it-{number}")).collect()
}

fn one_tag() -> BTreeMap<String, String> {
    BTreeMap::from([("key".to_owned(), "value".to_owned())])
}

fn no_listener_spec() -> ListenerSpec {
    ListenerSpec { protocol: None, forward: None, certificate: None, ssl_policy: None, alpn: None }
}

fn health() -> HealthCheck {
    let (protocol, port, path, codes) = (HealthProtocol::Tcp, None, None, None);
    HealthCheck { protocol, port, path, codes, interval: 10, timeout: 10, healthy: 3, unhealthy: 3 }
}

fn new_balancer() -> NewLoadBalancer {
    NewLoadBalancer {
        name: "web".to_owned(),
        scheme: Scheme::Internal,
        address_type: AddressType::Ipv4,
        subnets: Vec::new(),
        security_groups: Vec::new(),
        source_nat: false,
        tags: BTreeMap::new(),
    }
}

fn new_group() -> NewTargetGroup {
    NewTargetGroup {
        name: "web".to_owned(),
        protocol: NlbProtocol::Tcp,
        port: 80,
        vpc: "vpc-1".into(),
        targets: GroupTargets::Ip,
        family: IpFamily::V4,
        health: health(),
        tags: BTreeMap::new(),
    }
}

fn new_listener() -> NewListener {
    NewListener { balancer: "lb".into(), port: 80, spec: no_listener_spec(), tags: BTreeMap::new() }
}

fn new_security_group() -> NewSecurityGroup {
    let (name, description) = ("web".to_owned(), "for web".to_owned());
    NewSecurityGroup { name, description, vpc: "vpc-1".into(), tags: BTreeMap::new() }
}

fn rule() -> Rule {
    let source = Source::Group("sg-2".into());
    Rule { allow: Allow::Tcp(1, 2), source, description: String::new() }
}

fn target() -> Target {
    Target { id: "i-1".to_owned(), port: 80, zone: None }
}

/// Calls the methods in turn, each with arguments for which something must be sent, and says which failed: all of them,
/// since nothing is written down.
async fn call_every_method(client: &Client) -> Vec<&'static str> {
    let (lb, group, listener) =
        (LoadBalancerArn::from("lb"), TargetGroupArn::from("tg"), ListenerArn::from("li"));
    let (vpc, sg, keys, tags, rules) =
        (VpcId::from("vpc-1"), SecurityGroupId::from("sg-1"), texts(1), one_tag(), [rule()]);
    let subnets = SubnetChange { subnets: vec![], address_type: AddressType::Ipv4, source_nat: false };
    let mut failed = Vec::new();
    macro_rules! call {
        ($($method:ident($($argument:expr),*);)*) => {$(
            if client.$method($($argument),*).await.is_err() {
                failed.push(stringify!($method));
            }
        )*};
    }
    call! {
        load_balancers(&WhichBalancers::All);
        target_groups(&WhichGroups::All);
        tags(&keys);
        listeners(&lb);
        certificates(&listener);
        listener_attributes(&listener);
        balancer_attributes(&lb);
        group_attributes(&group);
        target_health(&group);
        limits();
        capacity(&lb);
        create_balancer(&new_balancer());
        set_subnets(&lb, &subnets);
        delete_balancer(&lb);
        modify_balancer_attributes(&lb, &tags);
        set_security_groups(&lb, &[], None);
        set_address_type(&lb, AddressType::Ipv4);
        modify_capacity(&lb, None);
        create_group(&new_group());
        modify_group(&group, &health());
        modify_group_attributes(&group, &tags);
        delete_group(&group);
        register(&group, &[target()]);
        deregister(&group, &[target()]);
        create_listener(&new_listener());
        modify_listener(&listener, &no_listener_spec());
        modify_listener_attributes(&listener, &tags);
        delete_listener(&listener);
        add_certificate(&listener, "cert");
        remove_certificate(&listener, "cert");
        add_tags(&keys, &tags);
        remove_tags(&keys, &keys);
        subnets(&vpc);
        vpc(&vpc);
        route_tables(&vpc);
        zones();
        instances(&[InstanceId::from("i-1")]);
        security_groups(&WhichSecurityGroups::Tagged(tags.clone()));
        interfaces(&sg);
        create_security_group(&new_security_group());
        delete_security_group(&sg);
        authorize(&sg, &rules);
        revoke(&sg, &rules);
        create_tags(&sg, &tags);
        delete_tags(&sg, &keys);
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn every_method_sends_its_own_request_under_its_own_name() {
    let World { script, told, client } = unpaced();
    // Spawned, because the provider needs futures that can be sent to another thread.
    let failed = tokio::spawn(async move { call_every_method(&client).await }).await.unwrap();
    let sent: Vec<_> = script.calls().iter().map(|(method, _)| *method).collect();
    assert_eq!(sent, failed, "each method calls the one of its name, and tells that it failed");
    let expected: Vec<_> =
        Action::ALL.iter().map(|action| format!("{} denied 0s", action.as_str())).collect();
    assert_eq!(told.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_nothing() {
    let World { script, client, .. } = unpaced();
    let (lb, group, listener, sg) = ("lb".into(), "tg".into(), "li".into(), "sg-1".into());
    let none = BTreeMap::new();
    assert!(client.load_balancers(&WhichBalancers::Named(vec![])).await.unwrap().is_empty());
    assert!(client.load_balancers(&WhichBalancers::Known(vec![])).await.unwrap().is_empty());
    assert!(client.target_groups(&WhichGroups::Named(vec![])).await.unwrap().is_empty());
    assert!(client.security_groups(&WhichSecurityGroups::Known(vec![])).await.unwrap().is_empty());
    let unnamed = WhichSecurityGroups::Named { vpc: "vpc-1".into(), names: vec![] };
    assert!(client.security_groups(&unnamed).await.unwrap().is_empty());
    assert!(client.instances(&[]).await.unwrap().is_empty());
    assert!(client.tags(&[]).await.unwrap().is_empty());
    client.modify_balancer_attributes(&lb, &none).await.unwrap();
    client.modify_group_attributes(&group, &none).await.unwrap();
    client.modify_listener_attributes(&listener, &none).await.unwrap();
    client.register(&group, &[]).await.unwrap();
    client.deregister(&group, &[]).await.unwrap();
    client.authorize(&sg, &[]).await.unwrap();
    client.revoke(&sg, &[]).await.unwrap();
    client.add_tags(&texts(1), &none).await.unwrap();
    client.remove_tags(&texts(1), &[]).await.unwrap();
    client.create_tags(&sg, &none).await.unwrap();
    client.delete_tags(&sg, &[]).await.unwrap();
    assert_eq!(script.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_to_its_last_page() {
    let World { script, client, .. } = unpaced();
    let page = |name: &str, next: Option<&str>| Page {
        items: vec![(name.to_owned(), "50".to_owned())],
        next: next.map(str::to_owned),
    };
    script.then(page("a", Some("2"))).then(page("b", Some("3"))).then(page("c", None));
    let names: Vec<_> = client.limits().await.unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let markers: Vec<_> = script.calls().into_iter().map(|(_, marker)| marker).collect();
    assert_eq!(markers, ["None", "Some(\"2\")", "Some(\"3\")"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_round_in_circles_is_an_error() {
    let World { script, client, .. } = unpaced();
    for next in ["2", "3", "2"] {
        script.then(Page::<String> { items: vec![], next: Some(next.to_owned()) });
    }
    let error = client.certificates(&"li".into()).await.unwrap_err();
    assert_eq!(error.category().as_str(), "AnswerUnreadable");
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_page_fails_the_list() {
    let World { script, client, .. } = unpaced();
    script.then(Page { items: vec!["a".to_owned()], next: Some("2".to_owned()) });
    script.then_fails(answered("InternalFailure", 500));
    let error = client.certificates(&"li".into()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_not_in_the_answer_are_not_read() {
    let World { script, client, .. } = unpaced();
    script.then(vec![("it-0".to_owned(), one_tag())]);
    let error = client.tags(&texts(2)).await.unwrap_err();
    assert_eq!(error.category().as_str(), "AnswerUnreadable");
}

#[tokio::test(start_paused = true)]
async fn long_inputs_are_sent_in_pieces() {
    let World { script, client, .. } = unpaced();
    for part in texts(41).chunks(TAGS_AT_ONCE) {
        script.then(part.iter().map(|arn| (arn.clone(), one_tag())).collect::<Vec<_>>());
    }
    assert_eq!(client.tags(&texts(41)).await.unwrap().len(), 41);
    assert_eq!(script.calls().len(), 3);
    for _ in 0..2 {
        script.then(Page::<crate::api::elb::LoadBalancer>::last(vec![]));
    }
    client.load_balancers(&WhichBalancers::Known(vec!["lb".into(); 40])).await.unwrap();
    for _ in 0..2 {
        script.then(Page::<crate::api::ec2::Instance>::last(vec![]));
    }
    client.instances(&vec!["i-1".into(); 201]).await.unwrap();
    script.then(()).then(());
    client.add_tags(&texts(21), &one_tag()).await.unwrap();
    let methods: Vec<_> = script.calls().into_iter().map(|(method, _)| method).collect();
    let expected =
        [["tags"; 3].as_slice(), &["load_balancers"; 2], &["instances"; 2], &["add_tags"; 2]].concat();
    assert_eq!(methods, expected);
}

#[rstest]
#[case("delete_balancer", "LoadBalancerNotFound")]
#[case("delete_listener", "ListenerNotFound")]
#[case("delete_group", "TargetGroupNotFound")]
#[case("deregister", "TargetGroupNotFound")]
#[case("delete_security_group", "InvalidGroup.NotFound")]
#[case("delete_security_group", "InvalidGroupId.NotFound")]
#[tokio::test(start_paused = true)]
async fn what_is_gone_already_counts_as_deleted(#[case] method: &str, #[case] code: &str) {
    let World { script, client, .. } = unpaced();
    let delete = async || match method {
        "delete_balancer" => client.delete_balancer(&"lb".into()).await,
        "delete_listener" => client.delete_listener(&"li".into()).await,
        "delete_group" => client.delete_group(&"tg".into()).await,
        "deregister" => client.deregister(&"tg".into(), &[target()]).await,
        _ => client.delete_security_group(&"sg-1".into()).await,
    };
    script.then_fails(answered(code, 400));
    delete().await.unwrap();
    script.then_fails(answered("ResourceInUse", 400));
    assert_eq!(delete().await.unwrap_err().category().as_str(), "WaitingForRelease");
}

#[tokio::test(start_paused = true)]
async fn answers_that_the_caller_acts_on_keep_their_meaning() {
    let World { script, client, .. } = unpaced();
    let sg = "sg-1".into();
    script.then_fails(answered("InvalidPermission.Duplicate", 400));
    let error = client.authorize(&sg, &[rule()]).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (ErrorClass::Conflict, Some("InvalidPermission.Duplicate")));
    script.then_fails(answered("InvalidPermission.NotFound", 400));
    let error = client.revoke(&sg, &[rule()]).await.unwrap_err();
    assert_eq!(error.category().as_str(), "ChangedMeanwhile");
    script.then_fails(answered("OperationNotPermitted", 400));
    let error = client.delete_balancer(&"lb".into()).await.unwrap_err();
    assert!(matches!(error, AwsError::DeletionProtected { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_told_with_its_kind() {
    let World { script, client, .. } = unpaced();
    let mut told = Vec::new();
    script.then_fails(answered("DuplicateLoadBalancerName", 400));
    told.push(client.create_balancer(&new_balancer()).await.unwrap_err().to_string());
    script.then_fails(answered("DuplicateTargetGroupName", 400));
    told.push(client.create_group(&new_group()).await.unwrap_err().to_string());
    script.then_fails(answered("DuplicateListener", 400));
    told.push(client.create_listener(&new_listener()).await.unwrap_err().to_string());
    script.then_fails(answered("InvalidGroup.Duplicate", 400));
    told.push(client.create_security_group(&new_security_group()).await.unwrap_err().to_string());
    let text = |what| format!("there is a {what} already, with other settings than default/web wants");
    assert_eq!(
        told,
        [
            text("load balancer \"web\""),
            text("target group \"web\""),
            text("listener \"80\""),
            text("security group \"web\""),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_given_up() {
    let World { script, client, told } = unpaced();
    script.then_hangs();
    let begun = Instant::now();
    let error = client.zones().await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert_eq!(error.category().as_str(), "CallTimedOut");
    assert!(error.is_in_doubt());
    assert_eq!(told.take(), ["DescribeAvailabilityZones transient 30s"]);
}

#[tokio::test(start_paused = true)]
async fn a_far_turn_is_an_error_that_waits() {
    let World { script, client, told } = world(&Limits::documented());
    for _ in 0..10 {
        client.create_balancer(&new_balancer()).await.unwrap_err();
    }
    let error = client.create_balancer(&new_balancer()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Waiting { poll: Duration::from_secs(5) });
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:CreateLoadBalancer for default/web is due in 5 s, after 0 others: \
         AWS limits the rate of such requests"
    );
    assert_eq!(script.calls().len(), 10, "nothing was sent for it");
    told.take();
    sleep(Duration::from_secs(4)).await;
    client.create_balancer(&new_balancer()).await.unwrap_err();
    assert_eq!(told.take(), ["ElbResourceIntensive waited 1000ms", "CreateLoadBalancer denied 0s"]);
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_the_category_down() {
    let World { script, client, told } = world(&Limits::documented());
    script.then_fails(answered("Throttling", 400));
    let error = client.delete_group(&"tg".into()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Throttled { after: None });
    client.delete_group(&"tg".into()).await.unwrap_err();
    assert_eq!(
        told.take(),
        ["DeleteTargetGroup throttled 0s", "ElbMutating waited 668ms", "DeleteTargetGroup denied 0s"]
    );
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_stop_everything_until_one_attempt_succeeds() {
    let World { script, client, told } = unpaced();
    script.then_fails(answered("ExpiredToken", 403));
    assert_eq!(client.zones().await.unwrap_err().category().as_str(), "CredentialsRejected");
    sleep(Duration::from_secs(20)).await;
    let error = client.delete_balancer(&"lb".into()).await.unwrap_err();
    assert!(matches!(error, AwsError::CredentialsRejected { until } if until == Duration::from_secs(10)));
    assert_eq!(error.class(), ErrorClass::Throttled { after: Some(Duration::from_secs(10)) });
    assert_eq!(script.calls().len(), 1, "nothing was sent for the second");

    sleep(Duration::from_secs(10)).await;
    script.then_fails(answered("ExpiredToken", 403));
    client.zones().await.unwrap_err();
    sleep(Duration::from_secs(30)).await;
    script.then(()).then(());
    client.delete_balancer(&"lb".into()).await.unwrap();
    client.delete_balancer(&"lb".into()).await.unwrap();
    assert_eq!(
        told.take(),
        [
            "DescribeAvailabilityZones denied 0s",
            "circuit open",
            "DescribeAvailabilityZones denied 0s",
            "DeleteLoadBalancer ok 0s",
            "circuit closed",
            "DeleteLoadBalancer ok 0s",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn one_denied_action_stops_nothing_else() {
    let World { script, client, .. } = unpaced();
    script.then_fails(answered("AccessDenied", 403));
    client.delete_listener(&"li".into()).await.unwrap_err();
    script.then(());
    client.delete_balancer(&"lb".into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_given_up_leaves_room_for_the_next() {
    let World { script, client, .. } = unpaced();
    script.then_fails(answered("InvalidClientTokenId", 403));
    client.zones().await.unwrap_err();
    sleep(Duration::from_secs(30)).await;
    script.then_hangs();
    timeout(Duration::from_secs(1), client.zones()).await.unwrap_err();
    script.then(());
    client.delete_balancer(&"lb".into()).await.unwrap();
}
