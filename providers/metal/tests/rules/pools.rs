//! What is wrong with pools, and what they count.

use landfall_core::pools::AddressBook as _;
use rstest::rstest;

use crate::support::*;

#[rstest]
#[case::host_bits("192.0.2.5/24", "InvalidAddresses")]
#[case::reversed("192.0.2.9-192.0.2.3", "InvalidAddresses")]
#[case::mixed("192.0.2.9-2001:db8::1", "InvalidAddresses")]
#[case::word("everything", "InvalidAddresses")]
#[case::empty("", "InvalidAddresses")]
#[case::loopback("127.0.0.0/30", "InvalidAddresses")]
#[case::duplicate("198.51.100.0/30", "InvalidAddresses")]
#[case::inside_another("198.51.100.2", "InvalidAddresses")]
fn a_bad_entry_is_named_and_stops_new_assignments(#[case] entry: &str, #[case] category: &str) {
    let provider = restarted(
        &[pool("public", &["198.51.100.0/30", entry])],
        &[with("old", |m| m.showing(&["198.51.100.1"]))],
    );
    says(&problem(&provider, "public"), &[category, "pool public", &format!("entry {entry:?}")]);
    says(
        &refused(&provider, &web("new")),
        &["NoMatchingPool rejected", "pool public gives out nothing new until it is put right"],
    );
    assert_eq!(get(&provider, &web("old")), "198.51.100.1", "what is held stays");
}

#[test]
fn every_bad_entry_is_told_at_once() {
    let provider = fed(&[pool("public", &["x", "192.0.2.1/24", "192.0.2.0/24"])]);
    says(&problem(&provider, "public"), &["entry \"x\"", "entry \"192.0.2.1/24\""]);
    assert_eq!(counts(&provider, "public"), "0/256 0/0");
}

#[test]
fn a_pool_without_addresses_is_a_problem() {
    let provider = fed(&[pool("public", &[])]);
    says(&problem(&provider, "public"), &["InvalidAddresses", "spec.addresses lists no address"]);
}

#[rstest]
#[case::by_name(0, 0, "b")]
#[case::by_priority(0, 5, "a")]
fn of_two_overlapping_pools_the_later_gives_out_nothing(
    #[case] a: i32,
    #[case] b: i32,
    #[case] blamed: &str,
) {
    let mut one = pool("a", &["192.0.2.0/24"]);
    let mut two = pool("b", &["192.0.2.128-192.0.3.127"]);
    (one.priority, two.priority) = (a, b);
    let provider = fed(&[one, two]);
    let text = problem(&provider, blamed);
    says(&text, &["Overlap", "\"192.0.2.0/24\"", "\"192.0.2.128-192.0.3.127\"", "pool a", "pool b"]);
    let fine = if blamed == "a" { "b" } else { "a" };
    assert_eq!(problem(&provider, fine), "");
    assert_eq!(counts(&provider, fine), "0/256 0/0");
    assert_eq!(counts(&provider, blamed), "0/128 0/0", "no address is counted twice");
}

#[test]
fn an_overlap_takes_nothing_away() {
    let bound = |name: &str| with(name, |m| m.annotated("metallb.io/address-pool", "old"));
    let old = pool("old", &["192.0.2.0/30"]);
    let provider = fed(std::slice::from_ref(&old));
    assert_eq!(get(&provider, &bound("web")), "192.0.2.0");
    let mut new = pool("new", &["192.0.2.0/24"]);
    new.priority = 10;
    assert_eq!(feed(&provider, &[old, new], None), Vec::<String>::new());
    assert_eq!(get(&provider, &bound("web")), "192.0.2.0");
    assert_eq!(counts(&provider, "new"), "1/256 0/0");
    says(&refused(&provider, &bound("more")), &["NoMatchingPool", "overlaps"]);
}

#[test]
fn a_pool_that_is_deleted_gives_way_to_its_successor() {
    let mut old = pool("old", &["192.0.2.0/30"]);
    let provider = fed(std::slice::from_ref(&old));
    assert_eq!(get(&provider, &web("a")), "192.0.2.0");
    old.deleting = true;
    old.priority = 100;
    feed(&provider, &[old, pool("successor", &["192.0.2.0/30"])], None);
    assert_eq!(problem(&provider, "successor"), "");
    assert_eq!(
        (counts(&provider, "old"), counts(&provider, "successor")),
        ("0/0 0/0".into(), "1/4 0/0".into())
    );
    assert_eq!(
        (get(&provider, &web("a")), get(&provider, &web("b"))),
        ("192.0.2.0".into(), "192.0.2.1".into())
    );
}

#[rstest]
#[case::network("192.0.2.0/24", 254)]
#[case::part_of_a_block("192.0.2.64/26", 62)]
#[case::two_blocks("192.0.2.0/23", 508)]
#[case::point_to_point("192.0.2.2/31", 2)]
#[case::point_to_point_at_the_edge("192.0.2.0/31", 1)]
#[case::host("192.0.2.7/32", 1)]
#[case::host_zero("192.0.2.0/32", 0)]
#[case::host_255("192.0.2.255/32", 0)]
#[case::range("192.0.2.10-192.0.2.20", 11)]
#[case::range_over_an_edge("192.0.2.254-192.0.3.1", 2)]
#[case::large("10.0.0.0/8", 65_536 * 254)]
fn avoided_addresses_are_counted_exactly(#[case] entry: &str, #[case] capacity: i64) {
    let mut spec = pool("public", &[entry]);
    spec.avoid_network_and_broadcast = true;
    let provider = fed(&[spec]);
    assert_eq!(usage(&provider, "public").capacity.v4, capacity);
}

#[rstest]
#[case::network("2001:db8::/120", 255, "2001:db8::1")]
#[case::two_bits("2001:db8::/126", 3, "2001:db8::1")]
#[case::point_to_point("2001:db8::/127", 2, "2001:db8::")]
#[case::host("2001:db8::/128", 1, "2001:db8::")]
#[case::range("2001:db8::-2001:db8::ff", 256, "2001:db8::")]
fn the_anycast_address_of_an_ipv6_network_is_avoided(
    #[case] entry: &str,
    #[case] capacity: i64,
    #[case] first: &str,
) {
    let v6 = |name| {
        with(name, |m| {
            m.stack(&[landfall_core::net::IpFamily::V6], landfall_core::model::FamilyPolicy::SingleStack)
        })
    };
    let mut spec = pool("public", &[entry]);
    spec.avoid_network_and_broadcast = true;
    let provider = fed(&[spec]);
    assert_eq!(usage(&provider, "public").capacity.v6, capacity);
    assert_eq!(get(&provider, &v6("web")), first);
    if first != "2001:db8::" {
        let asking = v6("other").with(|m| m.requesting(&["2001:db8::"]));
        says(&refused(&provider, &asking), &["AddressNotAllowed", "avoidNetworkAndBroadcast"]);
    }
}

#[rstest]
#[case("2001:db8::/64", i64::MAX)]
#[case("2000::/3", i64::MAX)]
#[case("2001:db8::/66", 1 << 62)]
#[case("2001:db8::/112", 65_536)]
fn huge_pools_saturate(#[case] entry: &str, #[case] capacity: i64) {
    let provider = fed(&[pool("public", &[entry, "fd00::/66"])]);
    assert!(usage(&provider, "public").capacity.v6 >= capacity);
    let v6 = with("web", |m| {
        m.stack(&[landfall_core::net::IpFamily::V6], landfall_core::model::FamilyPolicy::SingleStack)
    });
    assert!(!get(&provider, &v6).is_empty());
    assert_eq!(usage(&provider, "public").used.v6, 1);
}

#[test]
fn avoidance_applies_to_new_addresses_only() {
    let mut spec = pool("public", &["192.0.2.0/29"]);
    let provider = fed(std::slice::from_ref(&spec));
    assert_eq!(get(&provider, &web("a")), "192.0.2.0");
    spec.avoid_network_and_broadcast = true;
    assert_eq!(feed(&provider, &[spec], None), Vec::<String>::new());
    assert_eq!(get(&provider, &web("a")), "192.0.2.0");
    assert_eq!(get(&provider, &web("b")), "192.0.2.1");
    assert_eq!(counts(&provider, "public"), "2/7 0/0");
    release(&provider, &web("a"));
    assert_eq!(counts(&provider, "public"), "1/6 0/0");
}

#[test]
fn entries_are_used_in_the_order_they_are_listed() {
    let provider = fed(&[pool("public", &["203.0.113.8", "192.0.2.1-192.0.2.2"])]);
    let got: Vec<_> = ["a", "b", "c"].iter().map(|name| get(&provider, &web(name))).collect();
    assert_eq!(got, ["203.0.113.8", "192.0.2.1", "192.0.2.2"]);
}

#[test]
fn usage_is_listed_by_name_whatever_the_priority() {
    let mut first = pool("z", &["192.0.2.1"]);
    first.priority = 7;
    let provider = fed(&[first, pool("a", &["192.0.2.2"])]);
    let names: Vec<_> = provider.usage().into_iter().map(|usage| usage.name).collect();
    assert_eq!(names, ["a", "z"]);
}

#[test]
fn who_lacks_an_address_is_restless_until_it_has_one() {
    let provider = fed(&[pool("small", &["192.0.2.1"])]);
    get(&provider, &web("first"));
    assert_eq!(provider.restless(), []);
    refused(&provider, &web("second"));
    assert_eq!(provider.restless(), [web("second").id]);
    release(&provider, &web("first"));
    assert_eq!(get(&provider, &web("second")), "192.0.2.1");
    assert_eq!(provider.restless(), []);
}
