use rstest::{fixture, rstest};
use serde_json::{Value, json};

use super::*;

/// A Service `shop/NAME` with the ingress and conditions given.
fn service(name: &str, addresses: &[&str], refusal: Option<&str>) -> Service {
    let ingress: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
    let conditions: Vec<Value> = refusal
        .map(|reason| {
            json!({"type": PROGRAMMED, "status": "False", "reason": reason, "message": "m",
                   "lastTransitionTime": "2026-01-01T00:00:00Z"})
        })
        .into_iter()
        .collect();
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 53, "protocol": "UDP"}, {"port": 80}]},
        "status": {"loadBalancer": {"ingress": ingress}, "conditions": conditions},
    }))
    .unwrap()
}

fn shared(name: &str, address: &str) -> Service {
    let mut service = service(name, &[address], None);
    service.metadata.annotations = Some([(SHARE.to_owned(), "a".to_owned())].into());
    service
}

fn planned(name: &str, want: Want) -> Planned {
    Planned { service: service(name, &[], None), want }
}

fn key(name: &str) -> Key {
    ("shop".to_owned(), name.to_owned())
}

fn seen(service: Service) -> Event {
    Event::Seen(Box::new(service))
}

#[fixture]
fn start() -> Instant {
    Instant::now()
}

fn after(start: Instant, milliseconds: u64) -> Instant {
    start + Duration::from_millis(milliseconds)
}

fn settled(want: Want, service: Service) -> (bool, Vec<String>) {
    let mut board = Board::new(&[planned("web", want)]);
    let at = Instant::now();
    for event in [Event::Created(key("web")), Event::AllCreated, seen(service)] {
        board.apply(at, &event);
    }
    (board.is_settled(), board.missing())
}

#[rstest]
#[case::address(Want::Addresses(1), &["192.0.2.1"], None, None)]
#[case::no_address(Want::Addresses(1), &[], None, Some("shop/web has 0 of 1 addresses"))]
#[case::told_why(Want::Addresses(1), &[], Some("PoolExhausted"), Some("shop/web has 0 of 1 addresses; PoolExhausted: m"))]
#[case::one_family_short(Want::Addresses(2), &["192.0.2.1"], None, Some("shop/web has 1 of 2 addresses"))]
#[case::refused(Want::Refusal("NotInPool"), &[], Some("NotInPool"), None)]
#[case::refused_otherwise(Want::Refusal("NotInPool"), &[], Some("Else"), Some("shop/web has no condition with reason NotInPool; Else: m"))]
#[case::silent(Want::Refusal("NotInPool"), &[], None, Some("shop/web has no condition with reason NotInPool"))]
#[case::served_by_mistake(Want::Refusal("NotInPool"), &["192.0.2.1"], None, Some("shop/web has 192.0.2.1 although it cannot be served"))]
fn settled_or_missing(
    #[case] want: Want,
    #[case] addresses: &[&str],
    #[case] refusal: Option<&str>,
    #[case] missing: Option<&str>,
) {
    let expected: Vec<String> = missing.into_iter().map(str::to_owned).collect();
    assert_eq!(settled(want, service("web", addresses, refusal)), (missing.is_none(), expected));
}

#[rstest]
fn a_planned_service_is_shown_whole_once_it_is_created(start: Instant) {
    let mut board = Board::new(&[planned("web", Want::Addresses(1))]);
    assert_eq!(board.rows().count(), 0);
    board.apply(start, &Event::Created(key("web")));
    assert_eq!(board.rows().map(|row| row.ports.as_str()).collect::<Vec<_>>(), ["53/UDP,80/TCP"]);
}

#[rstest]
fn it_is_not_settled_before_all_are_created(start: Instant) {
    let mut board = Board::new(&[planned("web", Want::Addresses(1))]);
    board.apply(start, &Event::Created(key("web")));
    board.apply(start, &seen(service("web", &["192.0.2.1"], None)));
    assert!(!board.is_settled());
    board.apply(start, &Event::AllCreated);
    assert!(board.is_settled());
}

#[rstest]
#[case::in_order(10, 25, 15)]
#[case::the_watch_was_faster(10, 8, 0)]
fn the_time_runs_from_the_return_of_the_call_to_the_address(
    start: Instant,
    #[case] created: u64,
    #[case] addressed: u64,
    #[case] took: u64,
) {
    let mut board = Board::new(&[planned("web", Want::Addresses(1))]);
    let mut events = [
        (created, Event::Created(key("web"))),
        (addressed, seen(service("web", &["192.0.2.1"], None))),
        (100, seen(service("web", &["192.0.2.2"], None))),
    ];
    events.sort_by_key(|(at, _)| *at);
    for (at, event) in events {
        board.apply(after(start, at), &event);
    }
    assert_eq!(board.times(), [Duration::from_millis(took)]);
    assert_eq!(board.rows().next().unwrap().addresses, ["192.0.2.2"]);
}

#[rstest]
fn only_a_change_is_a_change(start: Instant) {
    let mut board = Board::new(&[planned("web", Want::Addresses(1))]);
    let event = seen(service("web", &[], None));
    assert!(board.apply(start, &event).is_some());
    assert!(board.apply(start, &event).is_none());
    let row = board.apply(start, &seen(service("web", &["192.0.2.1"], None))).unwrap();
    assert_eq!((row.ports.as_str(), row.name().as_str()), ("53/UDP,80/TCP", "shop/web"));
}

#[rstest]
fn services_of_others_are_timed_from_their_first_event(start: Instant) {
    let mut board = Board::new(&[]);
    board.apply(start, &seen(service("mine", &[], None)));
    board.apply(after(start, 5), &seen(service("mine", &["192.0.2.9"], None)));
    assert_eq!(board.rows().next().unwrap().time_to_address(), Some(Duration::from_millis(5)));
    assert!(board.times().is_empty());
    board.apply(start, &Event::Gone(key("mine")));
    assert_eq!(board.rows().count(), 0);
}

#[rstest]
fn an_address_after_a_refusal_is_not_timed(start: Instant) {
    let mut board = Board::new(&[planned("web", Want::Refusal("NotInPool"))]);
    board.apply(start, &Event::Created(key("web")));
    board.apply(after(start, 4), &seen(service("web", &[], Some("NotInPool"))));
    let row = board.rows().next().unwrap();
    assert_eq!((row.time_to_refusal(), row.time_to_address()), (Some(Duration::from_millis(4)), None));
    let row = board.apply(after(start, 9_000), &seen(service("web", &["192.0.2.1"], None))).unwrap();
    assert_eq!(row.time_to_address(), None);
}

#[rstest]
fn other_types_are_no_rows(start: Instant) {
    let mut board = Board::new(&[]);
    let mut service = service("web", &["192.0.2.1"], None);
    board.apply(start, &seen(service.clone()));
    service.spec.as_mut().unwrap().type_ = Some("ClusterIP".to_owned());
    board.apply(start, &seen(service));
    assert_eq!(board.rows().count(), 0);
}

#[rstest]
fn a_refusal_is_forgotten_with_the_address(start: Instant) {
    let mut board = Board::new(&[planned("web", Want::Addresses(1))]);
    board.apply(start, &seen(service("web", &[], Some("PoolExhausted"))));
    assert_eq!(board.rows().next().unwrap().refusal.as_ref().unwrap().reason, "PoolExhausted");
    board.apply(start, &seen(service("web", &["192.0.2.1"], Some("PoolExhausted"))));
    assert_eq!(board.rows().next().unwrap().refusal, None);
}

#[rstest]
#[case::distinct(&[service("a", &["192.0.2.1"], None), service("b", &["192.0.2.2"], None)], None)]
#[case::same(&[service("a", &["192.0.2.1"], None), service("b", &["192.0.2.1"], None)], Some("shop/a and shop/b both have 192.0.2.1"))]
#[case::shared(&[shared("a", "192.0.2.1"), shared("b", "192.0.2.1")], None)]
#[case::not_shared(&[shared("a", "192.0.2.1"), shared("b", "192.0.2.2")], Some("shop/a and shop/b do not share their address"))]
#[case::with_a_stranger(&[shared("a", "192.0.2.1"), service("b", &["192.0.2.1"], None)], Some("shop/a and shop/b both have 192.0.2.1"))]
fn addresses_are_shared_only_by_those_who_share(
    start: Instant,
    #[case] services: &[Service],
    #[case] breach: Option<&str>,
) {
    let mut board = Board::new(&[planned("a", Want::Addresses(1)), planned("b", Want::Addresses(1))]);
    for service in services {
        board.apply(start, &seen(service.clone()));
    }
    assert_eq!(board.breaches(), breach.into_iter().map(str::to_owned).collect::<Vec<_>>());
}
