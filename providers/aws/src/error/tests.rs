use std::collections::BTreeSet;
use std::error::Error as _;

use landfall_core::error::ProviderError;
use rstest::rstest;

use super::codes::TABLE;
use super::*;

fn answered(action: Action, code: &str, status: u16) -> ApiError {
    let (code, message) = (code.to_owned(), "AWS's own words".to_owned());
    ApiError { action, kind: Failure::Answered { code, message, status, request_id: None } }
}

fn failed(code: &str) -> AwsError {
    AwsError::failed("default/web", Some("web"), answered(Action::CreateLoadBalancer, code, 400))
}

/// Every code that the provider is known to be answered with, by what it is taken for. The first column has one code
/// at least for each class, so a suite that must see every class injects one of each row.
#[rstest]
#[case::throttled("throttled", "ApiThrottled", &[
    "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled", "ThrottledException",
    "RequestThrottledException", "TooManyRequestsException", "LimitExceededException", "BandwidthLimitExceeded",
    "SlowDown", "EC2ThrottledException",
])]
#[case::transient("transient", "CloudUnavailable", &[
    "InternalFailure", "InternalError", "ServiceUnavailable", "Unavailable", "RequestTimeout",
    "RequestTimeoutException", "HealthUnavailable",
])]
#[case::vanished("conflict", "ResourceVanished", &[
    "ListenerNotFound", "TargetGroupNotFound", "LoadBalancerNotFound", "InvalidGroup.NotFound",
    "InvalidGroupId.NotFound",
])]
#[case::stale("conflict", "ChangedMeanwhile", &["InvalidPermission.Duplicate", "InvalidPermission.NotFound"])]
#[case::taken("conflict", "NameTaken", &[
    "DuplicateListener", "DuplicateTargetGroupName", "DuplicateLoadBalancerName", "InvalidGroup.Duplicate",
])]
#[case::in_use("waiting", "WaitingForRelease", &[
    "ResourceInUse", "DependencyViolation", "InvalidGroup.InUse", "InvalidIPAddress.InUse",
])]
#[case::capacity("waiting", "CapacityPending", &[
    "InsufficientCapacity", "CapacityReservationPending", "PriorRequestNotComplete",
])]
#[case::user("rejected", "InvalidConfiguration", &[
    "ValidationError", "InvalidConfigurationRequest", "InvalidScheme", "InvalidSubnet", "SubnetNotFound",
    "InvalidSecurityGroup", "AllocationIdNotFound", "AvailabilityZoneNotSupported", "CertificateNotFound",
    "SSLPolicyNotFound", "ALPNPolicyNotFound", "UnsupportedProtocol", "IncompatibleProtocols", "InvalidTarget",
    "InvalidParameterValue", "DuplicateTagKeys", "InvalidLoadBalancerAction",
    "InvalidVpcID.NotFound", "InvalidSubnetID.NotFound", "InvalidGroupId.Malformed",
])]
#[case::quota("quota", "QuotaExceeded", &[
    "TooManyLoadBalancers", "TooManyTargetGroups", "TooManyListeners", "TooManyTargets",
    "TooManyRegistrationsForTargetId", "TooManyCertificates", "TooManyTags",
    "TooManyUniqueTargetGroupsPerLoadBalancer", "TargetGroupAssociationLimit", "CapacityUnitsLimitExceeded",
    "CapacityDecreaseRequestLimitExceeded", "RulesPerSecurityGroupLimitExceeded", "SecurityGroupLimitExceeded",
    "SecurityGroupsPerInterfaceLimitExceeded", "InsufficientFreeAddressesInSubnet",
])]
#[case::one_action("denied", "AccessDenied", &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])]
#[case::not_permitted("denied", "OperationNotPermitted", &["OperationNotPermitted"])]
#[case::credentials("denied", "CredentialsRejected", &[
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch",
    "OptInRequired", "UnrecognizedClientException", "RequestExpired",
])]
#[case::malformed("bug", "MalformedRequest", &["InvalidAction", "MissingParameter", "MalformedQueryString"])]
fn a_code_has_a_class_and_a_word(#[case] class: &str, #[case] word: &str, #[case] codes: &[&str]) {
    for code in codes {
        let error = failed(code);
        assert_eq!((error.class().as_str(), error.category().as_str()), (class, word), "{code}");
    }
}

#[rstest]
#[case(answered(Action::DescribeVpcs, "NeverHeardOf", 400), "denied", "AwsRefused")]
#[case(answered(Action::DescribeVpcs, "", 403), "denied", "AwsRefused")]
#[case(answered(Action::DescribeVpcs, "NeverHeardOf", 500), "transient", "CloudUnavailable")]
#[case(answered(Action::DescribeVpcs, "", 503), "transient", "CloudUnavailable")]
#[case(answered(Action::DescribeVpcs, "", 429), "throttled", "ApiThrottled")]
#[case(answered(Action::DescribeVpcs, "RequestLimitExceeded", 503), "throttled", "ApiThrottled")]
#[case(without_answer(Failure::NoAnswer { reason: "reset".to_owned() }), "transient", "CloudUnavailable")]
#[case(without_answer(Failure::TimedOut { after: Duration::from_secs(30) }), "transient", "CallTimedOut")]
#[case(without_answer(Failure::NotSent { reason: "no credentials".to_owned() }), "denied", "CallNotSent")]
#[case(without_answer(Failure::Unreadable { what: "DNSName".to_owned() }), "transient", "AnswerUnreadable")]
fn what_has_no_known_code_has_a_class_too(#[case] error: ApiError, #[case] class: &str, #[case] word: &str) {
    let error = AwsError::failed("default/web", None, error);
    assert_eq!((error.class().as_str(), error.category().as_str()), (class, word));
}

fn without_answer(kind: Failure) -> ApiError {
    ApiError { action: Action::DescribeVpcs, kind }
}

#[test]
fn every_class_can_be_caused_by_a_code() {
    let reached: BTreeSet<_> = TABLE.iter().map(|row| row.meaning.class.as_str()).collect();
    let all: BTreeSet<_> = ErrorClass::examples().iter().map(|class| class.as_str()).collect();
    assert_eq!(reached, all);
}

#[test]
fn no_code_is_in_the_table_twice_or_with_the_suffix_that_is_cut_off() {
    let mut seen = BTreeSet::new();
    for code in TABLE.iter().flat_map(|row| row.codes) {
        assert!(seen.insert(code), "{code} is there twice");
        assert!(!code.ends_with("Exception"), "{code} is never found");
    }
}

#[test]
fn one_denied_action_is_not_about_the_credentials() {
    let error = |code| answered(Action::CreateListener, code, 403);
    assert!(!is_about_credentials(&error("AccessDenied")));
    assert!(!is_about_credentials(&error("UnauthorizedOperation")));
    assert!(is_about_credentials(&error("ExpiredToken")));
    assert!(is_about_credentials(&without_answer(Failure::NotSent { reason: String::new() })));
}

#[test]
fn a_denied_action_is_named_as_iam_names_it() {
    let error = failed("AccessDenied");
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:CreateLoadBalancer of web for default/web failed: \
         allow the IAM action elasticloadbalancing:CreateLoadBalancer to the controller's role"
    );
    let group = answered(Action::CreateSecurityGroup, "UnauthorizedOperation", 403);
    let text = AwsError::failed("default/web", None, group).to_string();
    assert!(
        text.ends_with("allow the IAM action ec2:CreateSecurityGroup to the controller's role"),
        "{text}"
    );
}

#[test]
fn awss_words_follow_ours() {
    let error = failed("InvalidScheme");
    assert_eq!(
        error.source().unwrap().to_string(),
        "elasticloadbalancing:CreateLoadBalancer: InvalidScheme (HTTP 400): AWS's own words"
    );
    let told = ProviderError::from(error).explain();
    assert_eq!(
        told,
        "elasticloadbalancing:CreateLoadBalancer of web for default/web failed: \
         correct the Service's annotations or its class as AWS's answer says: \
         elasticloadbalancing:CreateLoadBalancer: InvalidScheme (HTTP 400): AWS's own words"
    );
}

#[test]
fn a_quota_is_named_with_its_figures() {
    let error = failed("TooManyLoadBalancers");
    assert_eq!(error.quota(), Some("network-load-balancers"));
    let text = |error: &AwsError| error.to_string().split_once("failed: ").unwrap().1.to_owned();
    assert_eq!(
        text(&error),
        "the quota of Network Load Balancers per Region (network-load-balancers) is used up: \
         free some, or have it raised"
    );
    assert_eq!(
        text(&error.with_limit(Some(50), 50)),
        "the quota of Network Load Balancers per Region (network-load-balancers) is used up, 50 of 50: \
         free some, or have it raised"
    );
    assert!(text(&failed("TooManyTargets").with_limit(None, 3000)).contains("is used up, 3000 at most: "));
    assert_eq!(failed("RulesPerSecurityGroupLimitExceeded").quota(), None);
    assert_eq!(quota_of("ValidationError"), None);
}

#[test]
fn a_taken_name_and_a_protection_keep_the_answer() {
    let taken = failed("DuplicateLoadBalancerName").or_name_taken("load balancer", "web");
    assert!(matches!(&taken, AwsError::NameTaken { kind: "load balancer", name, .. } if name == "web"));
    assert_eq!((taken.class(), taken.code()), (ErrorClass::Conflict, Some("DuplicateLoadBalancerName")));

    let protected = failed("OperationNotPermitted").or_protected("web");
    assert_eq!(protected.category().as_str(), "DeletionProtected");
    assert!(protected.source().unwrap().to_string().contains("AWS's own words"));
    assert_eq!(failed("ResourceInUse").or_protected("web").category().as_str(), "WaitingForRelease");
}

#[test]
fn only_what_may_have_happened_is_in_doubt() {
    assert!(!failed("TooManyTags").is_in_doubt());
    let lost = without_answer(Failure::NoAnswer { reason: "reset".to_owned() });
    assert!(AwsError::failed("default/web", None, lost).is_in_doubt());
    assert!(!AwsError::CredentialsRejected { until: Duration::from_secs(3) }.is_in_doubt());
}

#[rstest]
#[case(&[], "the security group sg-1 of default/web cannot be deleted yet: AWS has not released it")]
#[case(
    &["eni-1 (ELB net/web/1)", "sg-2"],
    "the security group sg-1 of default/web cannot be deleted yet: still used by eni-1 (ELB net/web/1), sg-2"
)]
fn the_blocker_is_named(#[case] by: &[&str], #[case] text: &str) {
    let poll = Duration::from_secs(15);
    let by = by.iter().map(ToString::to_string).collect();
    let (whom, what) = ("default/web".to_owned(), "security group sg-1".to_owned());
    let error = AwsError::StillInUse { whom, what, by, poll };
    assert_eq!(error.to_string(), text);
    assert_eq!(error.class(), ErrorClass::Waiting { poll });
}
