use super::*;

#[rstest]
#[case::default(&[], TargetKind::Nodes)]
#[case::nodes(&[(TARGETS, "nodes")], TargetKind::Nodes)]
#[case::pods(&[(TARGETS, "pods")], TargetKind::Endpoints)]
#[case::instance(&[("nlb-target-type", "instance")], TargetKind::Nodes)]
#[case::ip(&[("nlb-target-type", "ip")], TargetKind::Endpoints)]
#[case::nlb_ip(&[("type", "nlb-ip")], TargetKind::Endpoints)]
#[case::external(&[("type", "external")], TargetKind::Nodes)]
#[case::external_ip(&[("type", "external"), ("nlb-target-type", "ip")], TargetKind::Endpoints)]
#[case::nlb(&[("type", "nlb")], TargetKind::Nodes)]
#[case::all_agree(&[(TARGETS, "pods"), ("nlb-target-type", "ip"), ("type", "nlb-ip")], TargetKind::Endpoints)]
fn targets(#[case] pairs: Pairs<'_>, #[case] want: TargetKind) {
    let desired = web(pairs);
    assert_eq!(target_kind(&ClassParams::Defaults, &desired.members[0]), want);
    let text = if want == TargetKind::Nodes { "instance" } else { "ip" };
    assert_eq!(at(&desired, "/web/targets"), json!(text));
}

#[rstest]
#[case::neutral(&[(TARGETS, "Pods")], TARGETS, "nodes or pods")]
#[case::own(&[("nlb-target-type", "Ip")], "nlb-target-type", "instance or ip")]
#[case::kind(&[("type", "alb")], "type", "external, nlb or nlb-ip")]
#[case::kind_classic(&[("type", "classic")], "type", "Network Load Balancers only")]
#[case::neutral_and_own(&[(TARGETS, "nodes"), ("nlb-target-type", "ip")], "nlb-target-type", "contradicts landfall.dev/targets")]
#[case::own_and_kind(&[("type", "nlb-ip"), ("nlb-target-type", "instance")], "type", "contradicts")]
#[case::multi_cluster(&[("multi-cluster-target-group", "true")], "multi-cluster-target-group", "must be false")]
#[case::multi_cluster_text(&[("multi-cluster-target-group", "no")], "multi-cluster-target-group", "true or false")]
#[case::quic(&[("quic-enabled-ports", "443")], "quic-enabled-ports", "QUIC is not served")]
#[case::actions(
    &[("service.beta.kubernetes.io/actions.TCP-80", "{}")],
    "service.beta.kubernetes.io/actions.TCP-80",
    "weighted forwarding"
)]
#[case::actions_bare(&[("actions.TCP-80", "{}")], "actions.TCP-80", "weighted forwarding")]
#[case::labels_empty(&[("target-node-labels", "")], "target-node-labels", "at least one label")]
#[case::labels_key(&[("target-node-labels", "=x")], "target-node-labels", "no key")]
#[case::labels_text(&[("target-node-labels", "role=a b")], "target-node-labels", "cannot be a label")]
#[case::labels_twice(&[("target-node-labels", "a=1,a=2")], "target-node-labels", "twice")]
#[case::prefix_lists(&[("security-group-prefix-lists", "list")], "security-group-prefix-lists", "pl-0123456789abcdef0")]
#[case::path_mtu(&[("enable-icmp-for-path-mtu-discovery", "true")], "enable-icmp-for-path-mtu-discovery", "on or off")]
fn bad(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] word: &str) {
    assert_refused(&web(pairs), field, word);
}

#[rstest]
#[case::multi_cluster_off(&[("multi-cluster-target-group", "false")])]
#[case::quic_empty(&[("quic-enabled-ports", "")])]
fn what_is_off_is_not_refused(#[case] pairs: Pairs<'_>) {
    assert_eq!(settings(&web(pairs)), settings(&web(&[])));
}

#[rstest]
#[case::labels(
    &[("target-node-labels", "role=edge,example.com/pool,zone=")],
    "node_labels",
    json!({"role": "edge", "example.com/pool": null, "zone": ""})
)]
#[case::no_labels(&[], "node_labels", json!({}))]
#[case::prefix_lists(&[("security-group-prefix-lists", "pl-0a,pl-0b")], "prefix_lists", json!(["pl-0a", "pl-0b"]))]
#[case::no_prefix_lists(&[], "prefix_lists", json!([]))]
#[case::path_mtu(&[("enable-icmp-for-path-mtu-discovery", "on")], "path_mtu", json!(true))]
#[case::path_mtu_off(&[("enable-icmp-for-path-mtu-discovery", "off")], "path_mtu", json!(false))]
fn good(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] want: Value) {
    assert_eq!(at(&web(pairs), &format!("/web/{field}")), want);
}

#[rstest]
#[case::emit_interval("access-log-emit-interval", "60", problem::IGNORED, "classic")]
#[case::draining("connection-draining-enabled", "true", problem::IGNORED, "classic")]
#[case::draining_timeout("connection-draining-timeout", "60", problem::IGNORED, "classic")]
#[case::idle("connection-idle-timeout", "60", problem::IGNORED, "classic")]
#[case::extra_groups("extra-security-groups", "sg-0a", problem::IGNORED, "classic")]
#[case::unknown(
    "schema",
    "internal",
    problem::UNKNOWN,
    "did you mean service.beta.kubernetes.io/aws-load-balancer-scheme?"
)]
#[case::labels_of_pods("target-node-labels", "a=b", problem::IGNORED, "the targets are pods")]
#[case::policy("ssl-negotiation-policy", "ELBSecurityPolicy-2016-08", problem::IGNORED, "TLS")]
#[case::alpn("alpn-policy", "HTTP2Only", problem::IGNORED, "TLS")]
#[case::backend("backend-protocol", "ssl", problem::IGNORED, "TLS")]
fn what_has_no_effect_is_told(
    #[case] key: &str,
    #[case] value: &str,
    #[case] category: Category,
    #[case] word: &str,
) {
    let told = problems(&web(&[(key, value), (TARGETS, "pods")]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, category);
    assert!(told[0].1.contains(word) && told[0].1.contains(key), "{told:?}");
}

#[test]
fn addresses_are_not_asked_for_the_neutral_way() {
    let desired = web(&[]).with(|member| member.requesting(&["192.0.2.1"]));
    assert_refused(&desired, landfall_core::annotations::ADDRESSES, "eip-allocations");
}

#[rstest]
#[case::by_default(&[], false)]
#[case::internal(&[("scheme", "internal")], true)]
#[case::preserved(&[("target-group-attributes", "preserve_client_ip.enabled=true")], true)]
#[case::not_preserved(
    &[("scheme", "internal"), ("target-group-attributes", "preserve_client_ip.enabled=false")],
    false
)]
#[case::pods(&[("scheme", "internal"), (TARGETS, "pods")], false)]
#[case::public(&[("scheme", "internet-facing")], false)]
fn hairpin_traffic_is_warned_about(#[case] pairs: Pairs<'_>, #[case] want: bool) {
    let told = problems(&web(pairs));
    assert_eq!(told.iter().any(|(category, _)| *category == problem::HAIRPIN), want, "{told:?}");
    assert_eq!(told.len(), usize::from(want));
}
