use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::error::ErrorMetadata;
use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersError;
use rstest::rstest;

use super::*;

type Failed = SdkError<DescribeLoadBalancersError>;

fn of(error: Failed) -> ApiError {
    failed(Action::DescribeLoadBalancers)(error)
}

fn response(status: u16) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), "".into())
}

fn service(status: u16, code: Option<&str>) -> Failed {
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(code).message("Its text.");
    }
    SdkError::service_error(DescribeLoadBalancersError::generic(metadata.build()), response(status))
}

#[rstest]
#[case(Some("LoadBalancerNotFound"), 400, "LoadBalancerNotFound", false)]
#[case(Some("ExpiredTokenException"), 403, "ExpiredToken", false)]
#[case(Some("InternalFailure"), 500, "InternalFailure", true)]
#[case(None, 502, "", true)]
#[case(None, 403, "", false)]
fn an_error_answer_keeps_code_and_status(
    #[case] code: Option<&str>,
    #[case] status: u16,
    #[case] told: &str,
    #[case] in_doubt: bool,
) {
    let error = of(service(status, code));
    assert_eq!(error.code(), Some(told));
    assert_eq!(error.is_in_doubt(), in_doubt);
    let Failure::Answered { status: got, message, .. } = error.kind else { panic!("{error:?}") };
    assert_eq!(got, status);
    assert_eq!(message == "Its text.", code.is_some(), "{message}");
}

#[test]
fn the_request_id_is_kept() {
    let mut raw = response(400);
    raw.headers_mut().insert("x-amzn-requestid", "r-1");
    let error: Failed =
        SdkError::service_error(DescribeLoadBalancersError::generic(ErrorMetadata::builder().build()), raw);
    let Failure::Answered { request_id, .. } = of(error).kind else { panic!() };
    assert_eq!(request_id.as_deref(), Some("r-1"));
}

#[test]
fn a_yes_that_cannot_be_read_is_in_doubt() {
    let error = of(service(200, None));
    assert!(matches!(error.kind, Failure::Unreadable { .. }), "{error:?}");
    assert!(error.is_in_doubt());
}

#[test]
fn nothing_was_sent_without_credentials() {
    let cause = CredentialsError::not_loaded("no provider has any");
    let error = of(SdkError::dispatch_failure(ConnectorError::other(cause.into(), None)));
    let Failure::NotSent { reason } = &error.kind else { panic!("{error:?}") };
    assert!(reason.contains("no credentials") && reason.contains("no provider has any"), "{reason}");
    assert!(!error.is_in_doubt());
}

#[test]
fn nothing_was_sent_if_there_is_no_request() {
    let error = of(SdkError::construction_failure("a bad header"));
    assert!(
        matches!(&error.kind, Failure::NotSent { reason } if reason.contains("a bad header")),
        "{error:?}"
    );
}

#[test]
fn a_broken_connection_is_in_doubt() {
    let cause = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let error = of(SdkError::dispatch_failure(ConnectorError::io(cause.into())));
    assert!(matches!(&error.kind, Failure::NoAnswer { reason } if reason.contains("reset")), "{error:?}");
    assert!(error.is_in_doubt());
}

#[test]
fn too_long_is_timed_out() {
    let error = of(SdkError::timeout_error("it took too long"));
    assert_eq!(error.kind, Failure::TimedOut { after: Duration::from_secs(30) });
}

#[test]
fn fields_are_named() {
    let of = Thing::new("Listener", "arn:x");
    let need = of.need("Port", None::<i32>).unwrap_err();
    assert_eq!(need, Unreadable("Port of Listener arn:x is missing".to_owned()));
    let number = of.number::<u16>("Port", Some(70_000)).unwrap_err();
    assert_eq!(number, Unreadable("Port of Listener arn:x is \"70000\"".to_owned()));
    assert_eq!(of.number::<u16>("Port", Some(443)), Ok(443));
    let nameless = Thing::new("Listener", "").need("ListenerArn", None::<String>).unwrap_err();
    let error = unreadable(Action::DescribeListeners)(nameless);
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:DescribeListeners: the answer cannot be read: ListenerArn of a Listener is missing"
    );
}
