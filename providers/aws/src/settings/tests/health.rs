use super::*;

const POLICIES: [&str; 3] = ["cluster", "local", "pods"];

fn under(policy: &str, pairs: Pairs<'_>) -> DesiredLb {
    let desired = web(pairs);
    match policy {
        "cluster" => desired,
        "local" => desired.with(|member| member.local(32_000)),
        "pods" => desired.with(|member| member.annotated(TARGETS, "pods")),
        other => panic!("{other} is no policy"),
    }
}

/// `PROTOCOL port path codes interval/timeout healthy/unhealthy`.
fn check(desired: &DesiredLb) -> String {
    let settings = settings(desired);
    let health = settings.members.values().next().unwrap().listeners[0].health.clone();
    let port = health.port.map_or_else(|| "traffic".to_owned(), |port| port.to_string());
    format!(
        "{} {port} {} {} {}/{} {}/{}",
        health.protocol.as_str(),
        health.path.as_deref().unwrap_or("-"),
        health.codes.as_deref().unwrap_or("-"),
        health.interval,
        health.timeout,
        health.healthy,
        health.unhealthy
    )
}

#[rstest]
#[case::cluster("cluster", &[], "HTTP 10256 /healthz 200-399 10/6 2/2")]
#[case::local("local", &[], "HTTP 32000 /healthz 200-399 10/6 2/2")]
#[case::pods("pods", &[], "TCP traffic - - 10/10 3/3")]
#[case::cluster_tcp("cluster", &[("healthcheck-protocol", "tcp")], "TCP traffic - - 10/6 2/2")]
#[case::cluster_http("cluster", &[("healthcheck-protocol", "HTTP")], "HTTP traffic / 200-399 10/6 2/2")]
#[case::cluster_https("cluster", &[("healthcheck-protocol", "https")], "HTTPS traffic / 200-399 10/6 2/2")]
#[case::cluster_path(
    "cluster",
    &[("healthcheck-protocol", "http"), ("healthcheck-path", "/ready")],
    "HTTP traffic /ready 200-399 10/6 2/2"
)]
#[case::cluster_port("cluster", &[("healthcheck-port", "8080")], "TCP 8080 - - 10/6 2/2")]
#[case::cluster_kube_proxy(
    "cluster",
    &[("healthcheck-port", "10256"), ("healthcheck-protocol", "http")],
    "HTTP 10256 /healthz 200-399 10/6 2/2"
)]
#[case::cluster_named("cluster", &[("healthcheck-port", "tcp-80")], "TCP 30080 - - 10/6 2/2")]
#[case::cluster_traffic("cluster", &[("healthcheck-port", "traffic-port")], "TCP traffic - - 10/6 2/2")]
#[case::cluster_codes("cluster", &[("healthcheck-success-codes", "200")], "HTTP 10256 /healthz 200 10/6 2/2")]
#[case::local_tcp("local", &[("healthcheck-protocol", "tcp")], "TCP traffic - - 10/6 2/2")]
#[case::local_https("local", &[("healthcheck-protocol", "https")], "HTTPS traffic / 200-399 10/6 2/2")]
#[case::local_path("local", &[("healthcheck-path", "/x")], "HTTP 32000 /x 200-399 10/6 2/2")]
#[case::local_port("local", &[("healthcheck-port", "8080")], "HTTP 8080 / 200-399 10/6 2/2")]
#[case::pods_http(
    "pods",
    &[("healthcheck-protocol", "Http"), ("healthcheck-path", "/ok"), ("healthcheck-success-codes", "200,202-204")],
    "HTTP traffic /ok 200,202-204 10/10 3/3"
)]
#[case::pods_port("pods", &[("healthcheck-port", "9090")], "TCP 9090 - - 10/10 3/3")]
#[case::interval("pods", &[("healthcheck-interval", "300")], "TCP traffic - - 300/10 3/3")]
#[case::short_interval("pods", &[("healthcheck-interval", "5")], "TCP traffic - - 5/5 3/3")]
#[case::timeout("pods", &[("healthcheck-timeout", "2")], "TCP traffic - - 10/2 3/3")]
#[case::longest_timeout(
    "pods",
    &[("healthcheck-timeout", "120"), ("healthcheck-interval", "120")],
    "TCP traffic - - 120/120 3/3"
)]
#[case::thresholds(
    "cluster",
    &[("healthcheck-healthy-threshold", "10"), ("healthcheck-unhealthy-threshold", "3")],
    "HTTP 10256 /healthz 200-399 10/6 10/3"
)]
fn checks(#[case] policy: &str, #[case] pairs: Pairs<'_>, #[case] want: &str) {
    assert_eq!(check(&under(policy, pairs)), want);
}

#[rstest]
#[case::protocol(&[("healthcheck-protocol", "udp")], "healthcheck-protocol", "TCP, HTTP or HTTPS")]
#[case::port_zero(&[("healthcheck-port", "0")], "healthcheck-port", "1 to 65535")]
#[case::port_large(&[("healthcheck-port", "65536")], "healthcheck-port", "1 to 65535")]
#[case::port_empty(&[("healthcheck-port", "")], "healthcheck-port", "1 to 65535")]
#[case::port_name(&[("healthcheck-port", "admin")], "healthcheck-port", "80 (tcp-80)")]
#[case::path_relative(&[("healthcheck-protocol", "http"), ("healthcheck-path", "ok")], "healthcheck-path", "begin with /")]
#[case::path_space(&[("healthcheck-protocol", "http"), ("healthcheck-path", "/o k")], "healthcheck-path", "without spaces")]
#[case::path_of_tcp(&[("healthcheck-protocol", "tcp"), ("healthcheck-path", "/ok")], "healthcheck-path", "TCP check")]
#[case::codes_of_tcp(&[("healthcheck-protocol", "tcp"), ("healthcheck-success-codes", "200")], "healthcheck-success-codes", "TCP check")]
#[case::codes(&[("healthcheck-protocol", "http"), ("healthcheck-success-codes", "2xx")], "healthcheck-success-codes", "200 to 599")]
#[case::codes_order(&[("healthcheck-protocol", "http"), ("healthcheck-success-codes", "299-200")], "healthcheck-success-codes", "200 to 599")]
#[case::codes_bounds(&[("healthcheck-protocol", "http"), ("healthcheck-success-codes", "199-200")], "healthcheck-success-codes", "200 to 599")]
#[case::interval_low(&[("healthcheck-interval", "4")], "healthcheck-interval", "5 to 300")]
#[case::interval_text(&[("healthcheck-interval", "10s")], "healthcheck-interval", "5 to 300")]
#[case::timeout_low(&[("healthcheck-timeout", "1")], "healthcheck-timeout", "2 to 120")]
#[case::timeout_over_interval(&[("healthcheck-timeout", "11")], "healthcheck-timeout", "at most the interval")]
#[case::healthy(&[("healthcheck-healthy-threshold", "11")], "healthcheck-healthy-threshold", "2 to 10")]
#[case::unhealthy(&[("healthcheck-unhealthy-threshold", "1")], "healthcheck-unhealthy-threshold", "2 to 10")]
fn bad(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] word: &str) {
    for policy in POLICIES {
        assert_refused(&under(policy, pairs), field, word);
    }
}

#[rstest]
#[case::cluster("cluster", "kube-proxy is asked")]
#[case::pods("pods", "TCP check")]
fn a_path_needs_somebody_who_answers(#[case] policy: &str, #[case] word: &str) {
    assert_refused(&under(policy, &[("healthcheck-path", "/ok")]), "healthcheck-path", word);
}

fn pods(ports: &[u16]) -> DesiredLb {
    let endpoint =
        |port: &u16| EndpointTarget { address: [10, 0, 0, 1].into(), port: *port, node: None, zone: None };
    web(&[(TARGETS, "pods"), ("healthcheck-port", "tcp-80")]).with(|mut member| {
        member.listeners[0].endpoints = ports.iter().map(endpoint).collect();
        member
    })
}

#[test]
fn a_named_port_of_pods_is_what_they_listen_on() {
    assert_eq!(check(&pods(&[8080, 8080])), "TCP 8080 - - 10/10 3/3");
    assert_eq!(check(&pods(&[])), "TCP traffic - - 10/10 3/3");
    let apart = pods(&[8080, 8081]);
    assert_eq!(check(&apart), "TCP traffic - - 10/10 3/3");
    assert_eq!(problems(&apart).len(), 1);
}

#[rstest]
#[case::kube_proxy("cluster", &[], 0)]
#[case::own_port("pods", &[], 1)]
#[case::another_port("pods", &[("healthcheck-port", "8080")], 0)]
#[case::aimed("cluster", &[("healthcheck-protocol", "tcp")], 1)]
fn udp_ports_that_answer_no_check_are_told(
    #[case] policy: &str,
    #[case] pairs: Pairs<'_>,
    #[case] want: usize,
) {
    let desired = under(policy, pairs).with(|member| member.listening(&[(Protocol::Udp, 53)]));
    let told = problems(&desired);
    assert_eq!(told.len(), want, "{told:?}");
    assert!(told.iter().all(|(category, _)| *category == problem::HEALTH));
}
