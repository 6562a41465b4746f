use proptest::prelude::*;

use super::*;

/// Any known key, and keys that nobody knows.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0..ALL.len()).prop_map(|index| ALL[index].name.to_owned()),
        1 => "[a-z-]{0,12}".prop_map(|name| format!("landfall.dev/gcp-{name}")),
        1 => "[a-z0-9-]{0,20}".prop_map(|name| format!("cloud.google.com/{name}")),
        1 => prop_oneof![Just(TARGETS), Just(ADOPT), Just("cloud.google.com/neg")].prop_map(str::to_owned),
    ]
}

/// Arbitrary text, and text of the shapes that annotations have.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        2 => "[a-z0-9=,.:/@-]{0,24}",
        1 => (0_u32..70_000).prop_map(|number| number.to_string()),
        1 => Just("true".to_owned()),
    ]
}

/// Keys with values that they take, though not in every company.
const FITTING: [(&str, &str); 32] = [
    (TYPE, "Internal"),
    (TYPE, "External"),
    (FORMER_TYPE, "Internal"),
    (ADDRESS_NAMES, "a,b"),
    (TIER, "Standard"),
    (GLOBAL_ACCESS, "true"),
    (INTERNAL_SUBNET, "a"),
    (SUBNET, "b"),
    (IP_COLLECTION, "regions/r/publicDelegatedPrefixes/p"),
    (WEIGHTED, "pods-per-node"),
    (STRONG_AFFINITY, "enabled"),
    (BACKENDS, "InstanceGroup"),
    (BACKENDS, "NetworkEndpointGroup"),
    (LABELS, "a=b"),
    (LABELS, "a=c,b=d"),
    (AFFINITY, "ClientIpNoDestination"),
    (AFFINITY, "ClientIpPortProto"),
    (AFFINITY, "ClientIpProto"),
    (PERSISTENCE, "AlwaysPersist"),
    (DRAINING, "0"),
    (ZONAL_AFFINITY, "StayWithinZone"),
    (ZONAL_AFFINITY, "Disabled"),
    (LOGGING, "10"),
    (MANAGE_FIREWALL, "false"),
    (TARGET_TAGS, "node"),
    (TARGET_ACCOUNTS, "nodes@shop.iam.gserviceaccount.com"),
    (HEALTH_PROTOCOL, "HTTPS"),
    (HEALTH_PROTOCOL, "TCP"),
    (HEALTH_PORT, "30080"),
    (HEALTH_PATH, "/ok"),
    (HEALTH_INTERVAL, "5"),
    (HEALTH_TIMEOUT, "6"),
];

fn annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    let fitting = prop::sample::select(FITTING.to_vec());
    let fitting =
        prop::collection::vec(fitting.prop_map(|(key, value)| (key.to_owned(), value.to_owned())), 0..6);
    let odd = prop::collection::vec((key(), value()), 0..6);
    prop_oneof![3 => fitting, 1 => odd].prop_map(|pairs| pairs.into_iter().collect())
}

fn member() -> impl Strategy<Value = Member> {
    let families = prop_oneof![Just(vec![V4]), Just(vec![V6]), Just(vec![V4, V6]), Just(vec![V6, V4])];
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    let ports = prop::collection::vec((protocol, any::<u16>()), 0..4);
    let ranges = prop::sample::subsequence(vec!["192.0.2.0/24", "2001:db8::/32"], 0..=2);
    let shape = (any::<bool>(), prop::option::of(0_u32..100_000));
    (annotations(), ports, families, ranges, shape).prop_map(
        |(annotations, ports, families, ranges, (local, seconds))| {
            let mut member =
                testing::member("web").listening(&ports).stack(&families, FamilyPolicy::PreferDualStack);
            member.annotations = annotations;
            if !ranges.is_empty() {
                member.sources = SourceRanges::from_ranges(ranges.iter().map(|range| range.parse().unwrap()));
                member.sources_given = true;
            }
            if local {
                member.traffic = TrafficPolicy::Local { health_check_node_port: Some(32_000) };
            }
            if let Some(timeout_seconds) = seconds {
                member.affinity = Wish::ClientIp { timeout_seconds };
            }
            member
        },
    )
}

fn lb() -> impl Strategy<Value = DesiredLb> {
    prop::collection::vec(member(), 1..4).prop_map(|members| {
        let named = members.into_iter().zip(0_i64..).map(|(member, index)| {
            let Member { service, uid, .. } = testing::member(&format!("m{index}"));
            Member { service, uid, ..member }.born(index)
        });
        testing::group(ProviderName::Gcp, "front", named.collect())
    })
}

/// As the controller does it: members that are refused are taken out until nobody is.
fn without_refused(mut desired: DesiredLb) -> DesiredLb {
    loop {
        let refusals = read(&desired).refusals;
        let refused =
            |member: &Member| refusals.iter().any(|one| one.member.as_ref() == Some(&member.service));
        let before = desired.members.len();
        desired.members.retain(|member| !refused(member));
        if desired.members.len() == before {
            return desired;
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_refusal_can_be_acted_on(desired in lb()) {
        let reading = read(&desired);
        prop_assert_eq!(reading.settings.members.len(), desired.members.len());
        for refusal in &reading.refusals {
            let member = desired.members.iter().find(|member| Some(&member.service) == refusal.member.as_ref());
            prop_assert!(member.is_some(), "no class parameter is set, so each is about a member: {}", refusal);
            let of_spec = refusal.field.starts_with("spec.");
            let annotated = member.is_some_and(|member| member.annotations.contains_key(&refusal.field));
            prop_assert!(of_spec || annotated, "{} is not what the Service says", refusal);
            prop_assert!(!refusal.message.is_empty());
        }
    }

    #[test]
    fn the_order_of_members_does_not_matter(desired in lb()) {
        let mut turned = desired.clone();
        turned.members.reverse();
        prop_assert_eq!(read(&desired), read(&turned));
    }

    #[test]
    fn refused_members_leave_a_group_that_can_be_served(desired in lb()) {
        let left = without_refused(desired);
        prop_assert!(left.members.is_empty() || read(&left).refusals.is_empty());
    }

    #[test]
    fn what_is_not_refused_is_what_compute_engine_takes(desired in lb()) {
        let desired = without_refused(desired);
        let reading = read(&desired);
        let Settings { balancer, members } = reading.settings;
        let internal = balancer.scheme == Scheme::Internal;
        prop_assert!(internal || (!balancer.global_access && balancer.subnetwork.is_none()));
        prop_assert!(balancer.tier == NetworkTier::Premium || balancer.families == [V4]);
        prop_assert!(balancer.addresses.len() <= 2);
        prop_assert!(balancer.ip_collection.is_none() || (!internal && balancer.families == [V6]));
        for (member, settings) in desired.members.iter().map(|member| (member, &members[&member.service])) {
            let strong = settings.tracking.as_ref().and_then(|tracking| tracking.enable_strong_affinity);
            prop_assert!(strong.is_none() || (!internal && member.affinity != Wish::None));
            prop_assert!(!settings.weighted || member.traffic != TrafficPolicy::Cluster);
            prop_assert!(settings.zonal_affinity.is_none() || internal);
            prop_assert!(settings.sources.keys().all(|family| member.families.contains(family)));
            prop_assert!(!settings.sources.is_empty(), "somebody can connect");
            if let HealthSettings::Own(check) = &settings.health {
                prop_assert!(check.timeout_sec <= check.check_interval_sec);
            }
        }
    }
}
