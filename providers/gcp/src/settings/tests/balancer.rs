use super::*;

const INTERNAL: (&str, &str) = (TYPE, "Internal");
const PREFIX: &str = "projects/shop/regions/europe-west1/publicDelegatedPrefixes/ours";

#[rstest]
#[case::internal(&[(TYPE, "Internal")], "scheme", json!("Internal"))]
#[case::internal_small(&[(TYPE, "internal")], "scheme", json!("Internal"))]
#[case::external(&[(TYPE, "External")], "scheme", json!("External"))]
#[case::former(&[(FORMER_TYPE, "Internal")], "scheme", json!("Internal"))]
#[case::both(&[(TYPE, "internal"), (FORMER_TYPE, "Internal")], "scheme", json!("Internal"))]
#[case::names(&[(ADDRESS_NAMES, "web, web-v6")], "addresses", json!(["web", "web-v6"]))]
#[case::standard(&[(TIER, "Standard")], "tier", json!("Standard"))]
#[case::premium(&[(TIER, "Premium")], "tier", json!("Premium"))]
#[case::premium_internal(&[INTERNAL, (TIER, "Premium")], "tier", json!("Premium"))]
#[case::global(&[INTERNAL, (GLOBAL_ACCESS, "true")], "global_access", json!(true))]
#[case::not_global(&[INTERNAL, (GLOBAL_ACCESS, "false")], "global_access", json!(false))]
#[case::not_global_external(&[(GLOBAL_ACCESS, "false")], "global_access", json!(false))]
#[case::subnet(&[INTERNAL, (SUBNET, "edge")], "subnetwork", json!("edge"))]
#[case::subnet_older_key(&[INTERNAL, (INTERNAL_SUBNET, "edge")], "subnetwork", json!("edge"))]
#[case::subnet_ipv6(&[INTERNAL, (SUBNET, "edge")], "ipv6_subnetwork", json!("edge"))]
#[case::subnets_equal(&[INTERNAL, (SUBNET, "edge"), (INTERNAL_SUBNET, "edge")], "subnetwork", json!("edge"))]
#[case::instance_groups(&[(BACKENDS, "InstanceGroup")], "backends", json!("InstanceGroup"))]
#[case::endpoint_groups(&[(BACKENDS, "NetworkEndpointGroup")], "backends", json!("NetworkEndpointGroup"))]
#[case::labels(&[(LABELS, "team=shop,cost-center=a_1,empty=")], "labels",
    json!({"team": "shop", "cost-center": "a_1", "empty": ""}))]
fn good(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] want: Value) {
    let desired = web(pairs);
    assert_eq!(at(&desired, &format!("/balancer/{field}")), want);
    assert_eq!(problems(&desired), []);
}

#[rstest]
#[case::kind(TYPE, "INTERNAL", "Internal or internal or External or external")]
#[case::kind_empty(TYPE, "", "Internal")]
#[case::former(FORMER_TYPE, "true", "Internal")]
#[case::names_empty(ADDRESS_NAMES, " ,", "at least one")]
#[case::names_address(ADDRESS_NAMES, "192.0.2.1", "must be a name")]
#[case::names_twice(ADDRESS_NAMES, "web,web", "twice")]
#[case::names_many(ADDRESS_NAMES, "a,b,c", "at most 2")]
#[case::tier(TIER, "STANDARD", "Premium or Standard")]
#[case::global(GLOBAL_ACCESS, "True", "true or false")]
#[case::subnet(SUBNET, "projects/p/regions/r/subnetworks/s", "must be a name")]
#[case::subnet_older_key(INTERNAL_SUBNET, "Edge", "must be a name")]
#[case::backends(BACKENDS, "instanceGroup", "NetworkEndpointGroup or InstanceGroup")]
#[case::labels(LABELS, "team", "key=value")]
#[case::labels_twice(LABELS, "a=1,a=2", "twice")]
#[case::labels_case(LABELS, "Team=shop", "lower-case")]
#[case::labels_digit(LABELS, "1a=shop", "begin with a letter")]
#[case::labels_value(LABELS, "team=a.b", "lower-case")]
#[case::labels_ours(LABELS, "landfall-cluster=x", "reserved")]
#[case::labels_google(LABELS, "goog-managed=x", "reserved")]
#[case::collection(IP_COLLECTION, "2001:db8::/48", "publicDelegatedPrefixes/NAME")]
#[case::collection_global(IP_COLLECTION, "projects/p/global/publicDelegatedPrefixes/a", "regions/REGION")]
#[case::collection_http(
    IP_COLLECTION,
    "http://host/compute/v1/regions/r/publicDelegatedPrefixes/a",
    "must be the URL"
)]
#[case::collection_host(IP_COLLECTION, "https://host/regions/r/publicDelegatedPrefixes/a", "must be the URL")]
fn bad(#[case] key: &str, #[case] value: &str, #[case] word: &str) {
    assert_refused(&web(&[(key, value)]), key, word);
}

#[test]
fn labels_have_a_limit() {
    let text = |count: usize| (0..count).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(read(&web(&[(LABELS, &text(56))])).refusals, []);
    assert_refused(&web(&[(LABELS, &text(57))]), LABELS, "at most 56");
    let with_class = of_class(web(&[(LABELS, &text(56))]), |class| {
        class.labels.insert("team".to_owned(), "shop".to_owned());
    });
    assert_refused(&with_class, LABELS, "makes 57 labels");
}

#[rstest]
#[case::whole(
    "https://www.googleapis.com/compute/v1/projects/shop/regions/europe-west1/publicDelegatedPrefixes/ours"
)]
#[case::partial(PREFIX)]
#[case::regional("regions/europe-west1/publicDelegatedPrefixes/ours")]
fn prefixes(#[case] text: &str) {
    let desired = of_class(stacked(&[V6], &[(IP_COLLECTION, text)]), |class| {
        class.subnetwork = Some("edge".to_owned());
    });
    assert_eq!(at(&desired, "/balancer/ip_collection"), json!(text));
    assert_eq!(
        at(&desired, "/balancer/ipv6_subnetwork"),
        Value::Null,
        "the prefix takes the place of the subnet"
    );
}

#[rstest]
#[case::global_access(web(&[(GLOBAL_ACCESS, "true")]), GLOBAL_ACCESS, "\"External\" (the default)")]
#[case::global_access_external(
    web(&[(TYPE, "External"), (GLOBAL_ACCESS, "true")]),
    GLOBAL_ACCESS,
    "contradicts networking.gke.io/load-balancer-type \"External\": "
)]
#[case::standard_ipv6(stacked(&[V6], &[(TIER, "Standard")]), TIER, "premium only")]
#[case::standard_dual(stacked(&[V4, V6], &[(TIER, "Standard")]), TIER, "premium only")]
#[case::prefix_internal(stacked(&[V6], &[INTERNAL, (IP_COLLECTION, PREFIX)]), IP_COLLECTION, "external addresses")]
#[case::prefix_ipv4(web(&[(IP_COLLECTION, PREFIX)]), IP_COLLECTION, "IPv6 alone")]
#[case::prefix_dual(stacked(&[V6, V4], &[(IP_COLLECTION, PREFIX)]), IP_COLLECTION, "IPv6 alone")]
#[case::prefix_subnet(
    stacked(&[V6], &[(IP_COLLECTION, PREFIX), (SUBNET, "edge")]),
    IP_COLLECTION,
    "contradicts networking.gke.io/load-balancer-subnet \"edge\""
)]
fn conflicts(#[case] desired: DesiredLb, #[case] field: &str, #[case] word: &str) {
    assert_refused(&desired, field, word);
    assert_eq!(read(&desired).refusals[0].category, categories::CONFLICTING_VALUES);
}

#[rstest]
#[case::former_type(&[INTERNAL, (FORMER_TYPE, "External")], &[FORMER_TYPE, "\"External\"", TYPE], "scheme", json!("Internal"))]
#[case::standard(&[INTERNAL, (TIER, "Standard")], &[TIER, "premium"], "tier", json!("Premium"))]
#[case::older_subnet(&[INTERNAL, (SUBNET, "a"), (INTERNAL_SUBNET, "b")], &[INTERNAL_SUBNET, SUBNET], "subnetwork", json!("a"))]
#[case::internal_subnet(&[(INTERNAL_SUBNET, "a")], &[INTERNAL_SUBNET, "external"], "subnetwork", Value::Null)]
#[case::external_subnet(&[(SUBNET, "a")], &[SUBNET, "no IPv6"], "subnetwork", Value::Null)]
fn what_has_no_effect_is_told(
    #[case] pairs: Pairs<'_>,
    #[case] words: &[&str],
    #[case] field: &str,
    #[case] want: Value,
) {
    assert_told(&web(pairs), problem::IGNORED, words);
    assert_eq!(at(&web(pairs), &format!("/balancer/{field}")), want);
}

#[test]
fn an_external_subnet_is_for_ipv6() {
    let desired = stacked(&[V4, V6], &[(SUBNET, "edge")]);
    assert_eq!(problems(&desired), []);
    assert_eq!(at(&desired, "/balancer/subnetwork"), Value::Null);
    assert_eq!(at(&desired, "/balancer/ipv6_subnetwork"), json!("edge"));
    assert_eq!(at(&desired, "/balancer/families"), json!(["IPv4", "IPv6"]));
}

#[rstest]
#[case::annotation(&[(ADDRESSES, "192.0.2.1"), (ADDRESS_NAMES, "web")], ADDRESSES)]
#[case::field(&[(ADDRESS_NAMES, "web")], "spec.loadBalancerIP")]
fn names_go_before_addresses(#[case] pairs: Pairs<'_>, #[case] told: &str) {
    let desired = web(pairs).with(|member| member.requesting(&["192.0.2.1"]));
    assert_told(&desired, problem::IGNORED, &[told, ADDRESS_NAMES]);
    assert_eq!(at(&desired, "/balancer/requested"), json!(["192.0.2.1"]));
}

#[test]
fn addresses_of_both_families_can_be_asked_for() {
    let desired = stacked(&[V6, V4], &[]).with(|member| member.requesting(&["2001:db8::1", "192.0.2.1"]));
    assert_eq!(problems(&desired), []);
    assert_eq!(at(&desired, "/balancer/requested"), json!(["2001:db8::1", "192.0.2.1"]));
    assert_eq!(at(&desired, "/balancer/families"), json!(["IPv6", "IPv4"]));
}
