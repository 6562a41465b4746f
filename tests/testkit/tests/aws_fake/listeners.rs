//! Listeners.

use landfall_aws::api::elb::{Elb, ListenerSpec, NlbProtocol};
use landfall_core::net::IpFamily;
use landfall_testkit::aws::fake::Quota;
use rstest::rstest;

use crate::common::*;

#[tokio::test(start_paused = true)]
async fn a_port_exists_once_and_the_same_again_answers_it() {
    let (aws, balancer, group) = serving().await;
    let same = listener(&balancer.arn, 80, &group.arn);
    let first = aws.create_listener(&same).await.unwrap();
    assert_eq!(aws.listeners(&balancer.arn, None).await.unwrap().items, [first]);
    let mut other = same;
    other.spec = tls(&group.arn);
    assert_eq!(code(aws.create_listener(&other).await), "DuplicateListener");
    aws.set_quota(Quota::Listeners, 1);
    assert_eq!(code(aws.create_listener(&listener(&balancer.arn, 81, &group.arn)).await), "TooManyListeners");
}

#[rstest]
#[case::no_certificate(|spec: &mut ListenerSpec| spec.certificate = None, "ValidationError")]
#[case::unknown_certificate(|spec: &mut ListenerSpec| spec.certificate = Some("arn:none".to_owned()), "CertificateNotFound")]
#[case::unknown_policy(|spec: &mut ListenerSpec| spec.ssl_policy = Some("none".to_owned()), "SSLPolicyNotFound")]
#[case::unknown_alpn(|spec: &mut ListenerSpec| spec.alpn = Some("h2".to_owned()), "ALPNPolicyNotFound")]
#[case::certificate_without_tls(|spec: &mut ListenerSpec| spec.protocol = Some(NlbProtocol::Tcp), "InvalidConfigurationRequest")]
#[case::protocol(|spec: &mut ListenerSpec| spec.protocol = None, "UnsupportedProtocol")]
#[case::no_action(|spec: &mut ListenerSpec| spec.forward = None, "ValidationError")]
#[case::unknown_group(|spec: &mut ListenerSpec| spec.forward = Some("arn:none".into()), "TargetGroupNotFound")]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_on_create_and_modify(
    #[case] change: fn(&mut ListenerSpec),
    #[case] expected: &str,
) {
    let (aws, balancer, group) = serving().await;
    let mut new = listener(&balancer.arn, 443, &group.arn);
    new.spec = tls(&group.arn);
    change(&mut new.spec);
    assert_eq!(code(aws.create_listener(&new).await), expected);
    let there = aws.balancers()[0].listeners[0].it.clone();
    assert_eq!(code(aws.modify_listener(&there.arn, &new.spec).await), expected);
    assert_eq!(aws.balancers()[0].listeners[0].it, there);
}

#[rstest]
#[case(NlbProtocol::Tcp, &[NlbProtocol::Tcp, NlbProtocol::TcpUdp])]
#[case(NlbProtocol::Udp, &[NlbProtocol::Udp, NlbProtocol::TcpUdp])]
#[case(NlbProtocol::TcpUdp, &[NlbProtocol::TcpUdp])]
#[case(NlbProtocol::Tls, &[NlbProtocol::Tcp, NlbProtocol::Tls])]
#[tokio::test(start_paused = true)]
async fn protocols_must_fit_and_can_be_changed(
    #[case] protocol: NlbProtocol,
    #[case] fitting: &[NlbProtocol],
) {
    for of_group in NlbProtocol::ALL {
        let (aws, ..) = serving().await;
        let mut other = group("other");
        other.protocol = of_group;
        let other = aws.create_group(&other).await.unwrap();
        let spec = if protocol == NlbProtocol::Tls { tls(&other.arn) } else { tcp(&other.arn) };
        let spec = ListenerSpec { protocol: Some(protocol), ..spec };
        let there = aws.balancers()[0].listeners[0].it.arn.clone();
        let modified = aws.modify_listener(&there, &spec).await;
        if fitting.contains(&of_group) {
            modified.unwrap();
            assert_eq!(aws.balancers()[0].listeners[0].it.spec.protocol, Some(protocol));
        } else {
            assert_eq!(code(modified), "IncompatibleProtocols", "{protocol} to {of_group}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_group_belongs_to_one_load_balancer() {
    let (aws, first, group) = serving().await;
    let second = aws.create_balancer(&balancer("second")).await.unwrap();
    let stolen = aws.create_listener(&listener(&second.arn, 80, &group.arn)).await;
    assert_eq!(code(stolen), "TargetGroupAssociationLimit");
    aws.create_listener(&listener(&first.arn, 81, &group.arn)).await.expect("twice on one is fine");
    assert_eq!(aws.groups()[0].it.load_balancers, [first.arn]);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_another_family_or_network_does_not_fit() {
    let (aws, balancer, _) = serving().await;
    let mut v6 = group("v6");
    v6.family = IpFamily::V6;
    let v6 = aws.create_group(&v6).await.unwrap();
    let on_v4 = aws.create_listener(&listener(&balancer.arn, 81, &v6.arn)).await;
    assert_eq!(code(on_v4), "InvalidConfigurationRequest");
    aws.edit_network(|network| {
        let mut vpc = network.vpcs.values().next().unwrap().clone();
        vpc.id = "vpc-2".into();
        network.vpcs.insert(vpc.id.clone(), vpc);
    });
    let mut far = group("far");
    far.vpc = "vpc-2".into();
    let far = aws.create_group(&far).await.unwrap();
    let elsewhere = aws.create_listener(&listener(&balancer.arn, 81, &far.arn)).await;
    assert_eq!(code(elsewhere), "InvalidConfigurationRequest");
}

#[tokio::test(start_paused = true)]
async fn certificates_are_for_tls_and_the_default_one_stays() {
    let (aws, balancer, group) = serving().await;
    let plain = aws.balancers()[0].listeners[0].it.arn.clone();
    assert_eq!(code(aws.add_certificate(&plain, CERTIFICATE).await), "InvalidConfigurationRequest");
    let mut secure = listener(&balancer.arn, 443, &group.arn);
    secure.spec = ListenerSpec { ssl_policy: None, ..tls(&group.arn) };
    let secure = aws.create_listener(&secure).await.unwrap();
    assert_eq!(secure.spec.ssl_policy.as_deref(), Some("ELBSecurityPolicy-2016-08"));
    assert_eq!(code(aws.remove_certificate(&secure.arn, CERTIFICATE).await), "OperationNotPermitted");
    assert_eq!(code(aws.add_certificate(&secure.arn, "arn:none").await), "CertificateNotFound");
    let more: Vec<String> = (0..3).map(|i| format!("{CERTIFICATE}-{i}")).collect();
    aws.edit_network(|network| network.certificates.extend(more.clone()));
    aws.set_quota(Quota::Certificates, 2);
    aws.add_certificate(&secure.arn, &more[0]).await.unwrap();
    aws.add_certificate(&secure.arn, &more[1]).await.unwrap();
    assert_eq!(code(aws.add_certificate(&secure.arn, &more[2]).await), "TooManyCertificates");
    assert_eq!(aws.certificates(&secure.arn, None).await.unwrap().items, more[..2]);
    aws.modify_listener(&secure.arn, &tcp(&group.arn)).await.unwrap();
    assert_eq!(aws.certificates(&secure.arn, None).await.unwrap().items, [""; 0]);
}

#[rstest]
#[case::default(tcp as fn(&_) -> _, &[("tcp.idle_timeout.seconds", "350")])]
#[case::tls(tls, &[])]
#[tokio::test(start_paused = true)]
async fn the_idle_timeout_is_for_tcp(
    #[case] spec: fn(&landfall_aws::api::ids::TargetGroupArn) -> ListenerSpec,
    #[case] expected: &[(&str, &str)],
) {
    let (aws, _, group) = serving().await;
    let arn = aws.balancers()[0].listeners[0].it.arn.clone();
    aws.modify_listener(&arn, &spec(&group.arn)).await.unwrap();
    assert_eq!(aws.listener_attributes(&arn).await.unwrap(), tags(expected));
    let set = |value: &str| tags(&[("tcp.idle_timeout.seconds", value)]);
    if expected.is_empty() {
        let refused = aws.modify_listener_attributes(&arn, &set("60")).await;
        assert_eq!(code(refused), "InvalidConfigurationRequest");
        return;
    }
    assert_eq!(code(aws.modify_listener_attributes(&arn, &set("59")).await), "ValidationError");
    aws.modify_listener_attributes(&arn, &set("60")).await.unwrap();
    assert_eq!(aws.listener_attributes(&arn).await.unwrap(), set("60"));
}
