use std::collections::BTreeSet;
use std::error::Error as _;

use landfall_core::error::ProviderError;
use rstest::rstest;

use super::codes::{TABLE, is_same};
use super::*;
use crate::api::{Kind, Verb};

fn answered(kind: Kind, verb: Verb, reason: &str, status: u16) -> ApiError {
    let (reason, message) = (reason.to_owned(), "Google's own words".to_owned());
    let kind_of = Failure::Answered { reason, message, status, operation: None };
    ApiError { method: Method::new(kind, verb), kind: kind_of }
}

fn rule() -> Reference {
    Place::region("p", "r").at(Kind::ForwardingRule, "lf-web")
}

fn failed(error: ApiError) -> GcpError {
    GcpError::failed("default/web", Object::One(rule()), error)
}

fn inserting(reason: &str, status: u16) -> GcpError {
    failed(answered(Kind::ForwardingRule, Verb::Insert, reason, status))
}

fn patching(reason: &str, status: u16) -> GcpError {
    failed(answered(Kind::BackendService, Verb::Patch, reason, status))
}

/// Every reason that the provider is known to be answered with, by what it is taken for.
#[rstest]
#[case::throttled("throttled", "ApiThrottled", &[
    "rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_OPERATION_RATE_EXCEEDED",
])]
#[case::transient("transient", "CloudUnavailable", &["backendError", "internalError", "INTERNAL_ERROR", "UNAVAILABLE"])]
#[case::vanished("conflict", "ResourceVanished", &["notFound", "RESOURCE_NOT_FOUND", "NOT_FOUND"])]
#[case::taken("conflict", "NameTaken", &["alreadyExists", "RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"])]
#[case::stale("conflict", "ChangedMeanwhile", &[
    "conditionNotMet", "CONDITION_NOT_MET", "memberAlreadyExists", "MEMBER_NOT_FOUND",
])]
#[case::not_ready("waiting", "WaitingForResource", &["resourceNotReady", "RESOURCE_NOT_READY"])]
#[case::in_use("waiting", "WaitingForRelease", &[
    "resourceInUseByAnotherResource", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
])]
#[case::address("waiting", "AddressInUse", &["IP_IN_USE_BY_ANOTHER_RESOURCE"])]
#[case::user("rejected", "InvalidConfiguration", &["invalid", "INVALID_ARGUMENT", "INVALID_FIELD_VALUE", "badRequest"])]
#[case::quota("quota", "QuotaExceeded", &["quotaExceeded", "QUOTA_EXCEEDED", "IP_SPACE_EXHAUSTED", "RESOURCE_EXHAUSTED"])]
#[case::permission("denied", "AccessDenied", &["forbidden", "IAM_PERMISSION_DENIED", "PERMISSION_DENIED"])]
#[case::disabled("denied", "ApiDisabled", &["accessNotConfigured", "SERVICE_DISABLED"])]
#[case::instance_groups("denied", "InstanceGroupConflict", &["INSTANCE_IN_MULTIPLE_LOAD_BALANCED_IGS"])]
#[case::credentials("denied", "CredentialsRejected", &["authError", "ACCESS_TOKEN_EXPIRED", "UNAUTHENTICATED"])]
#[case::malformed("bug", "MalformedRequest", &["required", "parseError", "invalidParameter"])]
fn a_reason_has_a_class_and_a_word_in_every_spelling(
    #[case] class: &str,
    #[case] word: &str,
    #[case] reasons: &[&str],
) {
    for reason in reasons {
        let error = patching(reason, 400);
        assert_eq!((error.class().as_str(), error.category().as_str()), (class, word), "{reason}");
    }
}

#[rstest]
#[case(patching("neverHeardOf", 400), "denied", "GoogleRefused")]
#[case(patching("", 403), "denied", "GoogleRefused")]
#[case(patching("", 401), "denied", "CredentialsRejected")]
#[case(patching("", 404), "conflict", "ResourceVanished")]
#[case(patching("", 409), "conflict", "NameTaken")]
#[case(patching("", 412), "conflict", "ChangedMeanwhile")]
#[case(patching("", 429), "throttled", "ApiThrottled")]
#[case(patching("quotaExceeded", 429), "quota", "QuotaExceeded")]
#[case(patching("", 502), "transient", "CloudUnavailable")]
#[case(failed(without_answer(Failure::NoAnswer { reason: "reset".to_owned() })), "transient", "CloudUnavailable")]
#[case(failed(without_answer(Failure::TimedOut { after: Duration::from_secs(30) })), "transient", "CallTimedOut")]
#[case(failed(without_answer(not_sent(true))), "denied", "CallNotSent")]
#[case(failed(without_answer(Failure::Unreadable { what: "name".to_owned() })), "transient", "AnswerUnreadable")]
fn what_has_no_known_reason_has_a_class_too(
    #[case] error: GcpError,
    #[case] class: &str,
    #[case] word: &str,
) {
    assert_eq!((error.class().as_str(), error.category().as_str()), (class, word));
}

fn without_answer(kind: Failure) -> ApiError {
    ApiError { method: Method::new(Kind::Network, Verb::Get), kind }
}

fn not_sent(credentials: bool) -> Failure {
    Failure::NotSent { reason: "no credentials".to_owned(), credentials }
}

#[test]
fn a_condition_that_an_insert_does_not_meet_is_not_somebody_elses_change() {
    assert_eq!(inserting("conditionNotMet", 412).category().as_str(), "PolicyViolated");
    let address = failed(answered(Kind::Address, Verb::Insert, "conditionNotMet", 412));
    assert_eq!(address.category().as_str(), "AddressInUse");
}

#[test]
fn every_class_can_be_caused_by_a_reason() {
    let reached: BTreeSet<_> = TABLE.iter().map(|row| row.meaning.class.as_str()).collect();
    let all: BTreeSet<_> = ErrorClass::examples().iter().map(|class| class.as_str()).collect();
    assert_eq!(reached, all);
}

#[test]
fn no_reason_is_in_the_table_twice_in_any_spelling() {
    let all: Vec<&str> = TABLE.iter().flat_map(|row| row.reasons).copied().collect();
    for (at, reason) in all.iter().enumerate() {
        assert!(!all[..at].iter().any(|other| is_same(other, reason)), "{reason} is there twice");
    }
}

#[test]
fn one_missing_permission_is_not_about_the_credentials() {
    let error = |reason, status| answered(Kind::Firewall, Verb::Insert, reason, status);
    assert!(!is_about_credentials(&error("forbidden", 403)));
    assert!(is_about_credentials(&error("", 401)));
    assert!(is_about_credentials(&without_answer(not_sent(true))));
    assert!(!is_about_credentials(&without_answer(not_sent(false))));
}

#[test]
fn a_missing_permission_is_named_as_iam_names_it() {
    let error = inserting("forbidden", 403);
    assert!(error.is_forbidden());
    assert_eq!(
        error.to_string(),
        "forwardingRules.insert of projects/p/regions/r/forwardingRules/lf-web for default/web failed: \
         give the controller's service account the permission compute.forwardingRules.create, \
         or the one that Google's answer names"
    );
    let error = answered(Kind::Firewall, Verb::List, "forbidden", 403);
    let error = GcpError::failed("the cluster", Object::All(Place::global("host")), error);
    assert!(error.to_string().starts_with("firewalls.list in projects/host/global for the cluster failed: "));
}

#[test]
fn googles_words_follow_ours() {
    let error = inserting("invalid", 400);
    assert!(error.source().unwrap().to_string().ends_with("Google's own words"));
    assert_eq!(
        ProviderError::from(error).explain(),
        "forwardingRules.insert of projects/p/regions/r/forwardingRules/lf-web for default/web failed: \
         correct the Service's annotations or its class as Google's answer says: \
         forwardingRules.insert: invalid (HTTP 400): Google's own words"
    );
}

#[test]
fn a_quota_is_named_with_its_figures() {
    let text = |error: &GcpError| error.to_string().split_once("failed: ").unwrap().1.to_owned();
    let error = inserting("quotaExceeded", 403);
    assert_eq!(text(&error), "the quota that Google's answer names is used up: free some, or have it raised");
    let figures = vec![Figures { metric: "FORWARDING_RULES".to_owned(), used: 15.0, limit: 15.0 }];
    assert_eq!(
        text(&error.with_figures(figures.clone())),
        "a quota is used up (FORWARDING_RULES 15 of 15): free some, or have it raised"
    );
    let other = inserting("forbidden", 403);
    assert_eq!(text(&other.clone().with_figures(figures)), text(&other));
}

#[test]
fn only_what_may_have_happened_is_in_doubt() {
    assert!(!inserting("quotaExceeded", 403).is_in_doubt());
    assert!(failed(without_answer(Failure::NoAnswer { reason: "reset".to_owned() })).is_in_doubt());
    assert!(!GcpError::CredentialsRejected { until: Duration::from_secs(3) }.is_in_doubt());
    let stale = patching("conditionNotMet", 412);
    assert!(!stale.is_in_doubt() && stale.leaves_doubt());
}

#[rstest]
#[case(&[], "Google has not released it")]
#[case(&["a", "b"], "still used by a, b")]
fn the_blocker_is_named(#[case] by: &[&str], #[case] text: &str) {
    let poll = Duration::from_secs(15);
    let by = by.iter().map(ToString::to_string).collect();
    let error = GcpError::StillInUse { whom: "default/web".to_owned(), what: Box::new(rule()), by, poll };
    assert_eq!(
        error.to_string(),
        format!(
            "the forwarding-rule projects/p/regions/r/forwardingRules/lf-web of default/web cannot be deleted yet: {text}"
        )
    );
    assert_eq!(error.class(), ErrorClass::Waiting { poll });
}
