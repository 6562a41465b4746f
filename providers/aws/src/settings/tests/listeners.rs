use super::*;

const CERT: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/0a";
const OTHER: &str = "arn:aws-cn:iam::123456789012:server-certificate/web";
const TCP_80: (Protocol, u16) = (Protocol::Tcp, 80);
const TCP_443: (Protocol, u16) = (Protocol::Tcp, 443);
const UDP_443: (Protocol, u16) = (Protocol::Udp, 443);

fn protocols(desired: &DesiredLb) -> Vec<String> {
    let settings = settings(desired);
    let text = |listener: &ListenerSettings| {
        format!("{}/{}>{}", listener.port, listener.protocol, listener.group_protocol)
    };
    settings.members.values().flat_map(|member| member.listeners.iter().map(text)).collect()
}

#[rstest]
#[case::plain(&[TCP_80, (Protocol::Udp, 53)], &[], &["80/TCP>TCP", "53/UDP>UDP"])]
#[case::all_tls(&[TCP_80, TCP_443], &[("ssl-cert", CERT)], &["80/TLS>TCP", "443/TLS>TCP"])]
#[case::star(&[TCP_80, TCP_443], &[("ssl-cert", CERT), ("ssl-ports", "*")], &["80/TLS>TCP", "443/TLS>TCP"])]
#[case::by_number(&[TCP_80, TCP_443], &[("ssl-cert", CERT), ("ssl-ports", "443")], &["80/TCP>TCP", "443/TLS>TCP"])]
#[case::by_name(&[TCP_80, TCP_443], &[("ssl-cert", CERT), ("ssl-ports", "tcp-443")], &["80/TCP>TCP", "443/TLS>TCP"])]
#[case::not_udp(&[TCP_80, UDP_443], &[("ssl-cert", CERT)], &["80/TLS>TCP", "443/UDP>UDP"])]
#[case::to_targets(
    &[TCP_80, TCP_443],
    &[("ssl-cert", CERT), ("ssl-ports", "443"), ("backend-protocol", "SSL")],
    &["80/TCP>TCP", "443/TLS>TLS"]
)]
#[case::plain_to_targets(&[TCP_443], &[("ssl-cert", CERT), ("backend-protocol", "tcp")], &["443/TLS>TCP"])]
#[case::merged(&[TCP_443, UDP_443, TCP_80], &[], &["443/TCP_UDP>TCP_UDP", "80/TCP>TCP"])]
#[case::merged_when_asked(&[UDP_443, TCP_443], &[("enable-tcp-udp-listener", "true")], &["443/TCP_UDP>TCP_UDP"])]
#[case::nothing_to_merge(&[TCP_80], &[("enable-tcp-udp-listener", "false")], &["80/TCP>TCP"])]
fn listeners(#[case] ports: &[(Protocol, u16)], #[case] pairs: Pairs<'_>, #[case] want: &[&str]) {
    assert_eq!(protocols(&serving(ports, pairs)), want);
}

#[rstest]
#[case::certificates(&[("ssl-cert", "arn:aws:acm:eu-west-1:123456789012:certificate/0a, arn:aws-cn:iam::123456789012:server-certificate/web")],
    json!({"certificates": [CERT, OTHER], "policy": null, "alpn": null}))]
#[case::policy(&[("ssl-cert", CERT), ("ssl-negotiation-policy", "ELBSecurityPolicy-TLS13-1-2-2021-06")],
    json!({"certificates": [CERT], "policy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "alpn": null}))]
#[case::alpn_none(&[("ssl-cert", CERT), ("alpn-policy", "None")],
    json!({"certificates": [CERT], "policy": null, "alpn": null}))]
#[case::alpn(&[("ssl-cert", CERT), ("alpn-policy", "HTTP2Preferred")],
    json!({"certificates": [CERT], "policy": null, "alpn": "HTTP2Preferred"}))]
fn tls(#[case] pairs: Pairs<'_>, #[case] want: Value) {
    assert_eq!(at(&web(pairs), "/web/listeners/0/tls"), want);
}

#[rstest]
#[case::certificate(&[TCP_80], &[("ssl-cert", "0a")], "ssl-cert", "ARN of a certificate")]
#[case::other_arn(&[TCP_80], &[("ssl-cert", "arn:aws:s3:::123456789012:x")], "ssl-cert", "ARN of a certificate")]
#[case::no_certificate(&[TCP_80], &[("ssl-cert", "")], "ssl-cert", "at least one")]
#[case::twice(&[TCP_80], &[("ssl-cert", "arn:aws:acm:eu-west-1:123456789012:certificate/0a,arn:aws:acm:eu-west-1:123456789012:certificate/0a")], "ssl-cert", "twice")]
#[case::nothing_to_serve(&[UDP_443], &[("ssl-cert", CERT)], "ssl-cert", "no TCP port")]
#[case::ports_alone(&[TCP_80], &[("ssl-ports", "80")], "ssl-ports", "needs a certificate")]
#[case::ports_empty(&[TCP_80], &[("ssl-cert", CERT), ("ssl-ports", "")], "ssl-ports", "must list")]
#[case::port_unknown(&[TCP_80], &[("ssl-cert", CERT), ("ssl-ports", "443")], "ssl-ports", "it has 80 (tcp-80)")]
#[case::name_unknown(&[TCP_80], &[("ssl-cert", CERT), ("ssl-ports", "https")], "ssl-ports", "\"https\" is no port")]
#[case::udp(&[TCP_80, UDP_443], &[("ssl-cert", CERT), ("ssl-ports", "443")], "ssl-ports", "is UDP")]
#[case::beside_udp(&[TCP_443, UDP_443], &[("ssl-cert", CERT), ("ssl-ports", "443")], "ssl-ports", "TLS and UDP on one number")]
#[case::policy(&[TCP_80], &[("ssl-cert", CERT), ("ssl-negotiation-policy", "a b")], "ssl-negotiation-policy", "name of a security policy")]
#[case::backend(&[TCP_80], &[("ssl-cert", CERT), ("backend-protocol", "http")], "backend-protocol", "ssl or tcp")]
#[case::alpn(&[TCP_80], &[("ssl-cert", CERT), ("alpn-policy", "http2")], "alpn-policy", "HTTP2Optional or HTTP2Preferred")]
#[case::merge(&[TCP_80], &[("enable-tcp-udp-listener", "on")], "enable-tcp-udp-listener", "true or false")]
#[case::not_merged(&[TCP_443, UDP_443], &[("enable-tcp-udp-listener", "false")], "enable-tcp-udp-listener", "one listener")]
#[case::sctp(&[(Protocol::Sctp, 80)], &[], "spec.ports[0].protocol", "TCP and UDP")]
#[case::no_ports(&[], &[], "spec.ports", "at least one port")]
#[case::listed_twice(&[TCP_80, TCP_80], &[], "spec.ports", "listed twice")]
#[case::listener_unknown(&[TCP_80], &[("listener-attributes.TCP-81", "tcp.idle_timeout.seconds=60")], "listener-attributes.TCP-81", "it has TCP-80")]
#[case::listener_case(&[TCP_80], &[("listener-attributes.tcp-80", "tcp.idle_timeout.seconds=60")], "listener-attributes.tcp-80", "it has TCP-80")]
#[case::listener_tls(&[TCP_443], &[("ssl-cert", CERT), ("listener-attributes.TLS-443", "tcp.idle_timeout.seconds=60")], "listener-attributes.TLS-443", "TLS have no attributes")]
#[case::listener_range(&[TCP_80], &[("listener-attributes.TCP-80", "tcp.idle_timeout.seconds=59")], "listener-attributes.TCP-80", "60 to 6000")]
#[case::listener_attribute(&[TCP_80], &[("listener-attributes.TCP-80", "idle=60")], "listener-attributes.TCP-80", "tcp.idle_timeout.seconds")]
#[case::group_attribute(&[TCP_80], &[("target-group-attributes", "stickiness.enable=true")], "target-group-attributes", "did you mean stickiness.enabled")]
#[case::group_type(&[TCP_80], &[("target-group-attributes", "stickiness.type=lb_cookie")], "target-group-attributes", "must be source_ip")]
#[case::group_delay(&[TCP_80], &[("target-group-attributes", "deregistration_delay.timeout_seconds=3601")], "target-group-attributes", "0 to 3600")]
#[case::group_preserve(&[TCP_80], &[("target-group-attributes", "preserve_client_ip.enabled=no")], "target-group-attributes", "true or false")]
#[case::group_percentage(&[TCP_80], &[("target-group-attributes", "target_group_health.dns_failover.minimum_healthy_targets.percentage=0")], "target-group-attributes", "or off")]
#[case::group_draining(&[TCP_80], &[("target-group-attributes", "target_health_state.unhealthy.draining_interval_seconds=30")], "target-group-attributes", "connection_termination.enabled=false")]
#[case::group_udp_preserve(&[UDP_443], &[("healthcheck-port", "80"), ("target-group-attributes", "preserve_client_ip.enabled=false")], "target-group-attributes", "is UDP")]
#[case::group_merged_preserve(&[TCP_443, UDP_443], &[("target-group-attributes.443", "preserve_client_ip.enabled=false")], "target-group-attributes.443", "is TCP_UDP")]
#[case::group_udp_termination(&[UDP_443], &[("target-group-attributes", "target_health_state.unhealthy.connection_termination.enabled=true")], "target-group-attributes", "is UDP")]
#[case::group_tls_stickiness(&[TCP_443], &[("ssl-cert", CERT), ("target-group-attributes", "stickiness.enabled=true")], "target-group-attributes", "is TLS")]
#[case::port_unknown_group(&[TCP_80], &[("target-group-attributes.81", "stickiness.enabled=true")], "target-group-attributes.81", "no port number of the Service")]
#[case::port_by_name(&[TCP_80], &[("target-group-attributes.tcp-80", "")], "target-group-attributes.tcp-80", "no port number of the Service")]
#[case::proxy(&[TCP_80], &[("proxy-protocol", "true")], "proxy-protocol", "must be *")]
#[case::proxy_contradicts(&[TCP_80], &[("proxy-protocol", "*"), ("target-group-attributes", "proxy_protocol_v2.enabled=false")], "proxy-protocol", "contradicts")]
#[case::proxy_ports(&[TCP_80], &[("proxy-protocol-per-target-group", "http")], "proxy-protocol-per-target-group", "no port number")]
#[case::proxy_port_unknown(&[TCP_80], &[("proxy-protocol-per-target-group", "81")], "proxy-protocol-per-target-group", "it has 80")]
fn bad(#[case] ports: &[(Protocol, u16)], #[case] pairs: Pairs<'_>, #[case] field: &str, #[case] word: &str) {
    assert_refused(&serving(ports, pairs), field, word);
}

#[test]
fn a_port_without_node_port_is_refused_for_nodes_only() {
    let closed = |pairs| {
        web(pairs).with(|mut member| {
            member.listeners[0].node_port = None;
            member
        })
    };
    assert_refused(&closed(&[]), "spec.ports[0].nodePort", "landfall.dev/targets: pods");
    assert_eq!(refused(&closed(&[(TARGETS, "pods")])), []);
}

#[test]
fn one_target_has_one_port_for_tcp_and_udp() {
    let apart = |pairs| {
        serving(&[TCP_443, UDP_443], pairs).with(|mut member| {
            member.listeners[1].node_port = Some(31_000);
            member
        })
    };
    assert_refused(&apart(&[]), "spec.ports", "443/TCP (30443) and 443/UDP (31000) need the same nodePort");
    assert_eq!(protocols(&apart(&[(TARGETS, "pods")])), ["443/TCP_UDP>TCP_UDP"]);
}

#[rstest]
#[case::none(&[], json!({}))]
#[case::all(
    &[("target-group-attributes", "deregistration_delay.timeout_seconds=030,load_balancing.cross_zone.enabled=use_load_balancer_configuration")],
    json!({"deregistration_delay.timeout_seconds": "30", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration"})
)]
#[case::port_over_all(
    &[("target-group-attributes", "stickiness.enabled=true"), ("target-group-attributes.80", "stickiness.enabled=false")],
    json!({"stickiness.enabled": "false"})
)]
#[case::empty_port(
    &[("target-group-attributes", "stickiness.enabled=true"), ("target-group-attributes.80", "")],
    json!({"stickiness.enabled": "true"})
)]
#[case::proxy(&[("proxy-protocol", "*")], json!({"proxy_protocol_v2.enabled": "true"}))]
#[case::proxy_port(&[("proxy-protocol-per-target-group", "80")], json!({"proxy_protocol_v2.enabled": "true"}))]
#[case::health(
    &[("target-group-attributes", "target_group_health.dns_failover.minimum_healthy_targets.count=off,target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage=50")],
    json!({
        "target_group_health.dns_failover.minimum_healthy_targets.count": "off",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "50",
    })
)]
#[case::draining(
    &[("target-group-attributes", "target_health_state.unhealthy.connection_termination.enabled=false,target_health_state.unhealthy.draining_interval_seconds=30")],
    json!({
        "target_health_state.unhealthy.connection_termination.enabled": "false",
        "target_health_state.unhealthy.draining_interval_seconds": "30",
    })
)]
fn group_attributes(#[case] pairs: Pairs<'_>, #[case] want: Value) {
    assert_eq!(at(&web(pairs), "/web/listeners/0/group_attributes"), want);
}

#[test]
fn a_port_annotation_concerns_its_port_only() {
    let pairs = [
        ("target-group-attributes.443", "stickiness.enabled=true"),
        ("proxy-protocol-per-target-group", "80"),
    ];
    let desired = serving(&[TCP_80, TCP_443], &pairs);
    assert_eq!(
        at(&desired, "/web/listeners/0/group_attributes"),
        json!({"proxy_protocol_v2.enabled": "true"})
    );
    assert_eq!(at(&desired, "/web/listeners/1/group_attributes"), json!({"stickiness.enabled": "true"}));
}

#[test]
fn listener_attributes_reach_their_listener() {
    let desired =
        serving(&[TCP_80, TCP_443], &[("listener-attributes.TCP-443", "tcp.idle_timeout.seconds=6000")]);
    assert_eq!(at(&desired, "/web/listeners/0/attributes"), json!({}));
    assert_eq!(at(&desired, "/web/listeners/1/attributes"), json!({"tcp.idle_timeout.seconds": "6000"}));
}

#[test]
fn the_tcp_part_of_a_merged_listener_has_an_idle_timeout() {
    let pairs = [("listener-attributes.TCP_UDP-443", "tcp.idle_timeout.seconds=60")];
    let desired = serving(&[TCP_443, UDP_443], &pairs);
    assert_eq!(at(&desired, "/web/listeners/0/attributes"), json!({"tcp.idle_timeout.seconds": "60"}));
    let udp = [("listener-attributes.UDP-443", "tcp.idle_timeout.seconds=60")];
    assert_refused(
        &serving(&[UDP_443], &udp),
        "listener-attributes.UDP-443",
        "only those of TCP and TCP_UDP",
    );
}

fn sticky(pairs: Pairs<'_>) -> DesiredLb {
    web(pairs).with(|mut member| {
        member.affinity = SessionAffinity::ClientIp { timeout_seconds: 60 };
        member
    })
}

#[rstest]
#[case::by_default(&[], json!({"stickiness.enabled": "true", "stickiness.type": "source_ip"}))]
#[case::overridden(
    &[("target-group-attributes", "stickiness.enabled=false")],
    json!({"stickiness.enabled": "false", "stickiness.type": "source_ip"})
)]
fn session_affinity_becomes_stickiness(#[case] pairs: Pairs<'_>, #[case] want: Value) {
    assert_eq!(at(&sticky(pairs), "/web/listeners/0/group_attributes"), want);
}

#[test]
fn session_affinity_with_tls_is_told() {
    let told = problems(&sticky(&[("ssl-cert", CERT)]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, problem::AFFINITY);
    assert_eq!(at(&sticky(&[("ssl-cert", CERT)]), "/web/listeners/0/group_attributes"), json!({}));
}
