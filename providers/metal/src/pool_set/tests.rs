use proptest::prelude::*;

use super::*;
use crate::family::to_address;

/// A pool over a few addresses around 192.0.2.255, so that edges and overlaps are common.
#[derive(Debug, Clone)]
struct Sample {
    priority: i32,
    deleting: bool,
    avoid: bool,
    ranges: Vec<(u32, u32)>,
}

const BEGIN: u32 = 0xC000_02F0;
const COUNT: u32 = 40;

fn sample() -> impl Strategy<Value = Sample> {
    let range = (0..COUNT, 0..12u32).prop_map(|(first, more)| (first, (first + more).min(COUNT - 1)));
    (0..3i32, prop::bool::weighted(0.2), any::<bool>(), prop::collection::vec(range, 0..4))
        .prop_map(|(priority, deleting, avoid, ranges)| Sample { priority, deleting, avoid, ranges })
}

fn v4(offset: u32) -> IpAddr {
    to_address(IpFamily::V4, u128::from(BEGIN + offset)).unwrap()
}

fn spec(index: usize, sample: &Sample) -> PoolSpec {
    PoolSpec {
        name: format!("p{index}"),
        addresses: sample.ranges.iter().map(|&(first, last)| format!("{}-{}", v4(first), v4(last))).collect(),
        auto_assign: true,
        avoid_network_and_broadcast: sample.avoid,
        namespace_selector: None,
        service_selector: None,
        priority: sample.priority,
        deleting: sample.deleting,
    }
}

/// The pool that owns an address, found the slow way.
fn owner(samples: &[Sample], offset: u32) -> Option<usize> {
    (0..samples.len())
        .filter(|&i| samples[i].ranges.iter().any(|&(first, last)| (first..=last).contains(&offset)))
        .min_by_key(|&i| (samples[i].deleting, Reverse(samples[i].priority), i))
}

fn is_edge(offset: u32) -> bool {
    matches!((BEGIN + offset) % 256, 0 | 255)
}

proptest! {
    #[test]
    fn every_address_has_the_owner_that_a_slow_search_finds(samples in prop::collection::vec(sample(), 0..5)) {
        let specs: Vec<_> = samples.iter().enumerate().map(|(index, sample)| spec(index, sample)).collect();
        let mut set = PoolSet::compile(&specs);
        let name = |set: &PoolSet, place: Place| set.get(place.pool).unwrap().name.clone();
        let mut capacity = vec![0i64; samples.len()];
        for offset in 0..COUNT {
            let owner = owner(&samples, offset);
            prop_assert_eq!(set.locate(v4(offset)).map(|place| name(&set, place)), owner.map(|i| format!("p{i}")));
            let offered = owner.is_some_and(|i| !(samples[i].avoid && is_edge(offset)));
            prop_assert_eq!(set.offers(v4(offset)), offered);
            if let Some(index) = owner {
                capacity[index] += i64::from(offered);
            }
            let homes = set.homes(v4(offset)).count();
            let slow = samples.iter().filter(|s| s.ranges.iter().any(|&(a, b)| (a..=b).contains(&offset))).count();
            prop_assert_eq!(homes, slow);
        }
        for (usage, capacity) in set.usage().iter().zip(&capacity) {
            prop_assert_eq!(usage.capacity.v4, *capacity, "{}", &usage.name);
            drain(&mut set, &usage.name, *capacity);
        }
    }
}

/// Takes every free address of a pool: as many as it says it has, each of them its own.
fn drain(set: &mut PoolSet, name: &str, capacity: i64) {
    let index = set.index_of(name).unwrap();
    let mut given = 0;
    while let Some(number) = set.get(index).unwrap().spaces.get(IpFamily::V4).first_free() {
        let address = to_address(IpFamily::V4, number).unwrap();
        assert_eq!(set.locate(address).unwrap().pool, index);
        set.occupy(address);
        given += 1;
    }
    assert_eq!(given, capacity);
    assert_eq!(set.get(index).unwrap().usage().used.v4, capacity);
}

#[test]
fn an_overlap_is_told_to_the_later_pool_only() {
    let sample = |priority| Sample { priority, deleting: false, avoid: false, ranges: vec![(0, 9)] };
    let set = PoolSet::compile(&[spec(0, &sample(1)), spec(1, &sample(2))]);
    assert!(set.get(set.index_of("p1").unwrap()).unwrap().problem().is_none());
    let problem = set.get(set.index_of("p0").unwrap()).unwrap().problem().unwrap();
    assert_eq!(problem.category, categories::OVERLAP);
    assert!(problem.message.contains("pool p1"), "{}", problem.message);
}

#[test]
fn an_overlap_with_another_pool_is_told_behind_one_with_itself() {
    let sample = |ranges: &[(u32, u32)]| Sample {
        priority: 0,
        deleting: false,
        avoid: false,
        ranges: ranges.to_vec(),
    };
    let set = PoolSet::compile(&[spec(0, &sample(&[(5, 9)])), spec(1, &sample(&[(0, 1), (0, 9)]))]);
    let problem = set.get(set.index_of("p1").unwrap()).unwrap().problem().unwrap();
    assert!(problem.message.contains("of the same pool"), "{}", problem.message);
    assert!(problem.message.contains("pool p0"), "{}", problem.message);
    assert_eq!(set.homes(v4(7)).count(), 2);
}

#[test]
fn a_pool_full_of_nonsense_gets_a_message_of_bearable_length() {
    let mut nonsense = spec(0, &Sample { priority: 0, deleting: false, avoid: false, ranges: Vec::new() });
    nonsense.addresses = (0..1000).map(|number| format!("nonsense-{number}")).collect();
    let set = PoolSet::compile(&[nonsense]);
    let problem = set.get(0).unwrap().problem().unwrap();
    assert!(problem.message.contains("nonsense-0") && problem.message.len() <= 2048);
}
