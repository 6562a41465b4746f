use super::*;

fn under(policy: &str, pairs: Pairs<'_>) -> DesiredLb {
    match policy {
        "local" => web(pairs).with(|member| member.local(32_000)),
        _ => web(pairs),
    }
}

/// `PROTOCOL port path interval/timeout healthy/unhealthy`, or `shared`.
fn check(desired: &DesiredLb) -> String {
    assert_eq!(problems(desired), []);
    let settings = read(desired).settings;
    let check = match &settings.members.values().next().unwrap().health {
        HealthSettings::Shared => return "shared".to_owned(),
        HealthSettings::Own(check) => check,
    };
    let pages = [&check.http_health_check, &check.https_health_check];
    let page = pages.into_iter().flatten().next();
    let port = page.map(|page| page.port).or(check.tcp_health_check.as_ref().map(|tcp| tcp.port));
    assert_eq!(pages.into_iter().flatten().count() + usize::from(check.tcp_health_check.is_some()), 1);
    format!(
        "{} {} {} {}/{} {}/{}",
        check.check_type.as_deref().unwrap(),
        port.unwrap(),
        page.and_then(|page| page.request_path.as_deref()).unwrap_or("-"),
        check.check_interval_sec.unwrap(),
        check.timeout_sec.unwrap(),
        check.healthy_threshold.unwrap(),
        check.unhealthy_threshold.unwrap()
    )
}

#[rstest]
#[case::cluster("cluster", &[], "shared")]
#[case::local("local", &[], "HTTP 32000 /healthz 3/1 1/2")]
#[case::spelled_out(
    "cluster",
    &[(HEALTH_PROTOCOL, "HTTP"), (HEALTH_PORT, "10256"), (HEALTH_PATH, "/healthz"), (HEALTH_INTERVAL, "8"),
      (HEALTH_TIMEOUT, "1"), (HEALTHY, "1"), (UNHEALTHY, "3")],
    "shared"
)]
#[case::tcp("cluster", &[(HEALTH_PROTOCOL, "TCP")], "TCP 10256 - 8/1 1/3")]
#[case::tcp_local("local", &[(HEALTH_PROTOCOL, "TCP")], "TCP 32000 - 3/1 1/2")]
#[case::port("cluster", &[(HEALTH_PORT, "30080")], "HTTP 30080 /healthz 8/1 1/3")]
#[case::application("cluster", &[(HEALTH_PORT, "30080"), (HEALTH_PATH, "/ready")], "HTTP 30080 /ready 8/1 1/3")]
#[case::https("cluster", &[(HEALTH_PROTOCOL, "HTTPS"), (HEALTH_PORT, "30443")], "HTTPS 30443 /healthz 8/1 1/3")]
#[case::path_local("local", &[(HEALTH_PATH, "/x")], "HTTP 32000 /x 3/1 1/2")]
#[case::interval("cluster", &[(HEALTH_INTERVAL, "300")], "HTTP 10256 /healthz 300/1 1/3")]
#[case::timeout("cluster", &[(HEALTH_TIMEOUT, "5")], "HTTP 10256 /healthz 8/5 1/3")]
#[case::long_timeout("local", &[(HEALTH_TIMEOUT, "5")], "HTTP 32000 /healthz 5/5 1/2")]
#[case::thresholds("cluster", &[(HEALTHY, "10"), (UNHEALTHY, "1")], "HTTP 10256 /healthz 8/1 10/1")]
fn checks(#[case] policy: &str, #[case] pairs: Pairs<'_>, #[case] want: &str) {
    assert_eq!(check(&under(policy, pairs)), want);
}

#[rstest]
#[case::protocol(&[(HEALTH_PROTOCOL, "http")], HEALTH_PROTOCOL, "TCP or HTTP or HTTPS")]
#[case::port(&[(HEALTH_PORT, "65536")], HEALTH_PORT, "1 to 65535")]
#[case::port_name(&[(HEALTH_PORT, "http")], HEALTH_PORT, "1 to 65535")]
#[case::path(&[(HEALTH_PORT, "80"), (HEALTH_PATH, "ok")], HEALTH_PATH, "begin with /")]
#[case::path_space(&[(HEALTH_PORT, "80"), (HEALTH_PATH, "/o k")], HEALTH_PATH, "without spaces")]
#[case::path_of_tcp(&[(HEALTH_PROTOCOL, "TCP"), (HEALTH_PORT, "80"), (HEALTH_PATH, "/ok")], HEALTH_PATH, "TCP check")]
#[case::https_alone(&[(HEALTH_PROTOCOL, "HTTPS")], HEALTH_PROTOCOL, "does not speak TLS")]
#[case::interval(&[(HEALTH_INTERVAL, "0")], HEALTH_INTERVAL, "1 to 300")]
#[case::timeout(&[(HEALTH_TIMEOUT, "301")], HEALTH_TIMEOUT, "1 to 300")]
#[case::timeout_over_interval(&[(HEALTH_TIMEOUT, "5"), (HEALTH_INTERVAL, "4")], HEALTH_TIMEOUT, "at most the interval")]
#[case::healthy(&[(HEALTHY, "0")], HEALTHY, "1 to 10")]
#[case::unhealthy(&[(UNHEALTHY, "11")], UNHEALTHY, "1 to 10")]
fn bad(#[case] pairs: Pairs<'_>, #[case] field: &str, #[case] word: &str) {
    for policy in ["cluster", "local"] {
        assert_refused(&under(policy, pairs), field, word);
    }
}

#[test]
fn a_path_needs_somebody_who_answers() {
    assert_refused(&under("cluster", &[(HEALTH_PATH, "/ok")]), HEALTH_PATH, "answers on /healthz");
    let by_class = of_class(under("cluster", &[(HEALTH_PATH, "/ok")]), |class| {
        class.health_check = Some(HealthCheckParams { port: Some(30_080), ..HealthCheckParams::default() });
    });
    assert_eq!(check(&by_class), "HTTP 30080 /ok 8/1 1/3");
}

fn class_check(params: &mut GcpParams) {
    params.health_check = Some(HealthCheckParams {
        protocol: Some(HealthProtocol::Https),
        port: Some(30_443),
        path: Some("/ok".to_owned()),
        interval_seconds: Some(20),
        timeout_seconds: Some(10),
        healthy_threshold: Some(4),
        unhealthy_threshold: Some(5),
    });
}

#[rstest]
#[case::all(&[], "HTTPS 30443 /ok 20/10 4/5")]
#[case::protocol(&[(HEALTH_PROTOCOL, "HTTP")], "HTTP 30443 /ok 20/10 4/5")]
#[case::tcp(&[(HEALTH_PROTOCOL, "TCP")], "TCP 30443 - 20/10 4/5")]
#[case::port(&[(HEALTH_PORT, "1")], "HTTPS 1 /ok 20/10 4/5")]
#[case::path(&[(HEALTH_PATH, "/")], "HTTPS 30443 / 20/10 4/5")]
#[case::interval(&[(HEALTH_INTERVAL, "10")], "HTTPS 30443 /ok 10/10 4/5")]
#[case::timeout(&[(HEALTH_TIMEOUT, "20")], "HTTPS 30443 /ok 20/20 4/5")]
#[case::thresholds(&[(HEALTHY, "1"), (UNHEALTHY, "2")], "HTTPS 30443 /ok 20/10 1/2")]
fn each_field_of_the_class_can_be_overridden(#[case] pairs: Pairs<'_>, #[case] want: &str) {
    for policy in ["cluster", "local"] {
        assert_eq!(check(&of_class(under(policy, pairs), class_check)), want);
    }
}

#[rstest]
#[case::interval(&[(HEALTH_INTERVAL, "9")], HEALTH_INTERVAL, "timeoutSeconds \"10\" (of the class)")]
#[case::timeout(&[(HEALTH_TIMEOUT, "21")], HEALTH_TIMEOUT, "intervalSeconds \"20\" (of the class)")]
fn what_does_not_fit_the_class_is_refused_at_the_service(
    #[case] pairs: Pairs<'_>,
    #[case] field: &str,
    #[case] word: &str,
) {
    let desired = of_class(web(pairs), class_check);
    assert_refused(&desired, field, word);
    assert!(read(&desired).refusals[0].member.is_some());
}

#[test]
fn the_shared_check_is_that_of_plain_services() {
    let own = read(&under("cluster", &[(HEALTH_INTERVAL, "9")])).settings;
    let HealthSettings::Own(own) = own.members.values().next().unwrap().health.clone() else {
        panic!("an interval of its own");
    };
    assert_eq!(shared_check(), crate::api::types::HealthCheck { check_interval_sec: Some(8), ..*own });
}
