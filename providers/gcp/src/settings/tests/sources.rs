use super::*;

fn from(desired: DesiredLb, ranges: &[&str]) -> DesiredLb {
    let sources = SourceRanges::from_ranges(ranges.iter().map(|range| range.parse().unwrap()));
    desired.with(|member| Member { sources, sources_given: true, ..member })
}

#[rstest]
#[case::everybody(stacked(&[V4, V6], &[]), json!({"IPv4": ["0.0.0.0/0"], "IPv6": ["::/0"]}))]
#[case::everybody_ipv6(stacked(&[V6], &[]), json!({"IPv6": ["::/0"]}))]
#[case::some(from(web(&[]), &["192.0.2.0/24", "198.51.100.0/24"]), json!({"IPv4": ["192.0.2.0/24", "198.51.100.0/24"]}))]
#[case::both(
    from(stacked(&[V4, V6], &[]), &["192.0.2.0/24", "2001:db8::/32"]),
    json!({"IPv4": ["192.0.2.0/24"], "IPv6": ["2001:db8::/32"]})
)]
fn ranges_are_those_of_the_families_of_the_service(#[case] desired: DesiredLb, #[case] want: Value) {
    assert_eq!(at(&desired, "/web/sources"), want);
    assert_eq!(problems(&desired), []);
}

#[rstest]
#[case::ipv4(&["192.0.2.0/24"], "IPv6", json!({"IPv4": ["192.0.2.0/24"]}))]
#[case::ipv6(&["2001:db8::/32"], "IPv4", json!({"IPv6": ["2001:db8::/32"]}))]
fn a_family_without_ranges_lets_nobody_in(#[case] ranges: &[&str], #[case] shut: &str, #[case] want: Value) {
    let desired = from(stacked(&[V4, V6], &[]), ranges);
    assert_told(&desired, problem::SOURCES, &[&format!("nobody can connect by {shut}")]);
    assert_eq!(at(&desired, "/web/sources"), want);
}

#[rstest]
#[case::field(&[], "spec.loadBalancerSourceRanges")]
#[case::annotation(&[(SOURCE_RANGES, "2001:db8::/32")], SOURCE_RANGES)]
fn ranges_that_shut_everybody_out_are_refused(#[case] pairs: Pairs<'_>, #[case] field: &str) {
    let desired = from(web(pairs), &["2001:db8::/32"]);
    assert_refused(&desired, field, "nobody could connect");
    assert_eq!(read(&desired).refusals[0].value, "2001:db8::/32");
}

#[test]
fn ranges_of_another_family_beside_others_are_told() {
    let desired = from(web(&[]), &["192.0.2.0/24", "2001:db8::/32"]);
    assert_told(&desired, problem::IGNORED, &["2001:db8::/32", "no IPv6"]);
    assert_eq!(at(&desired, "/web/sources"), json!({"IPv4": ["192.0.2.0/24"]}));
}

#[test]
fn ranges_are_for_whoever_makes_firewall_rules() {
    let desired = from(web(&[(MANAGE_FIREWALL, "false")]), &["192.0.2.0/24"]);
    assert_told(&desired, problem::IGNORED, &["spec.loadBalancerSourceRanges", "somebody else"]);
}
