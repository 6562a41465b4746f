//! The table of reasons: what each means for the next step, what it is called, and what to do about it.
//!
//! Compute Engine has several spellings of one reason: `quotaExceeded` in the errors of an answer, `QUOTA_EXCEEDED` in
//! its details and in operations. The table has the first one; all are found by it. Only reasons and HTTP statuses are
//! matched, never texts. Source: the error codes of "Troubleshooting" in the documentation of Compute Engine, those of
//! operations, and `google.api.ErrorReason`.

use std::time::Duration;

use landfall_core::error::ErrorClass;

use crate::api::error::Failure;
use crate::api::{ApiError, Kind, Verb};

/// What a reason means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    /// What to do next.
    pub(super) class: ErrorClass,
    /// What to call it.
    pub(super) word: &'static str,
    /// What people should do.
    pub(super) advice: Advice,
}

/// What people should do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// This.
    Say(&'static str),
    /// Give the controller the permission.
    Allow,
    /// Have a quota raised.
    Raise,
}

/// What an answer means: by its reason, or else by its status, or by what came instead of an answer.
pub(super) fn meaning(error: &ApiError) -> Meaning {
    match &error.kind {
        Failure::Answered { reason, status, .. } => {
            let meaning = by_reason(reason).unwrap_or_else(|| by_status(*status));
            match (meaning.word, error.method.verb) {
                // There is nothing yet that somebody could have changed.
                (CHANGED_MEANWHILE, Verb::Insert) => unmet(error.method.kind),
                // No user says what is in these requests.
                (INVALID, _) if is_group(error.method.kind) => GROUP_REFUSED,
                _ => meaning,
            }
        }
        Failure::NoAnswer { .. } | Failure::Unreachable { .. } => UNAVAILABLE,
        Failure::TimedOut { .. } => Meaning { word: "CallTimedOut", ..UNAVAILABLE },
        Failure::NotSent { .. } => Meaning {
            class: ErrorClass::Denied,
            word: "CallNotSent",
            advice: Advice::Say("check the controller's credentials, project, region and endpoint"),
        },
        Failure::Unreadable { .. } => Meaning {
            class: ErrorClass::Transient,
            word: "AnswerUnreadable",
            advice: Advice::Say("it is tried again; check what answers at the endpoint"),
        },
    }
}

const fn is_group(kind: Kind) -> bool {
    matches!(kind, Kind::EndpointGroup | Kind::InstanceGroup)
}

/// A condition that an insert does not meet.
const fn unmet(kind: Kind) -> Meaning {
    match kind {
        // How a reserved IPv6 address is refused that something else has.
        Kind::Address => ADDRESS_IN_USE,
        _ => Meaning {
            class: ErrorClass::Denied,
            word: "PolicyViolated",
            advice: Advice::Say("a policy of the organization forbids it, as Google's answer says"),
        },
    }
}

fn by_reason(reason: &str) -> Option<Meaning> {
    let row = TABLE.iter().find(|row| row.reasons.iter().any(|known| is_same(known, reason)))?;
    Some(row.meaning)
}

/// Whether two spellings are of one reason: `quotaExceeded` and `QUOTA_EXCEEDED`.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let letters = |word: &'_ str| {
        word.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    letters(one) == letters(other)
}

fn by_status(status: u16) -> Meaning {
    match status {
        401 => CREDENTIALS,
        404 | 410 => VANISHED,
        408 | 500.. => UNAVAILABLE,
        409 => TAKEN,
        412 => CHANGED,
        429 => THROTTLED,
        // Slowly retried: who knows whether it is the wish, the project or the network between that must change.
        _ => Meaning {
            class: ErrorClass::Denied,
            word: "GoogleRefused",
            advice: Advice::Say("see Google's answer; it is tried again slowly"),
        },
    }
}

/// The word for credentials that Google does not accept.
pub(super) const CREDENTIALS_REJECTED: &str = "CredentialsRejected";
/// The word for a name that something else has.
pub(super) const NAME_TAKEN: &str = "NameTaken";
/// The word for something that is not there.
pub(super) const RESOURCE_VANISHED: &str = "ResourceVanished";
/// The word for something that cannot go because something else uses it.
pub(super) const IN_USE: &str = "WaitingForRelease";
/// The word for a fingerprint that is not the last one.
pub(super) const CHANGED_MEANWHILE: &str = "ChangedMeanwhile";

/// The word for a wish that Google does not accept.
const INVALID: &str = "InvalidConfiguration";

/// How long until something that is being released is looked at again.
const RELEASE: Duration = Duration::from_secs(10);
/// How long until an address that is asked for is tried again: somebody else may have it for good.
const ADDRESS: Duration = Duration::from_secs(30);
/// How long until something that is still being made is looked at again.
const READY: Duration = Duration::from_secs(5);

const THROTTLED: Meaning = Meaning {
    class: ErrorClass::Throttled { after: None },
    word: "ApiThrottled",
    advice: Advice::Say(
        "Google asks for fewer requests; the rate is lowered and it is tried again; \
         look for other programs that use this project's API",
    ),
};

const UNAVAILABLE: Meaning = Meaning {
    class: ErrorClass::Transient,
    word: "CloudUnavailable",
    advice: Advice::Say("Google or the network failed; it is tried again"),
};

const VANISHED: Meaning = Meaning {
    class: ErrorClass::Conflict,
    word: RESOURCE_VANISHED,
    advice: Advice::Say(
        "it, or something that it refers to, is not there; everything is read again and what is missing made again",
    ),
};

const TAKEN: Meaning = Meaning {
    class: ErrorClass::Conflict,
    word: NAME_TAKEN,
    advice: Advice::Say("something of that name is there already; it is read again"),
};

const CHANGED: Meaning = Meaning {
    class: ErrorClass::Conflict,
    word: CHANGED_MEANWHILE,
    advice: Advice::Say("somebody else changed it; it is read again"),
};

const ADDRESS_IN_USE: Meaning = Meaning {
    class: ErrorClass::Waiting { poll: ADDRESS },
    word: "AddressInUse",
    advice: Advice::Say("something else has the address: free it, or ask for another one"),
};

const GROUP_REFUSED: Meaning = Meaning {
    class: ErrorClass::Denied,
    word: "GroupRefused",
    advice: Advice::Say(
        "see Google's answer for what is wrong with the nodes or their group; it is tried again",
    ),
};

const CREDENTIALS: Meaning = Meaning {
    class: ErrorClass::Denied,
    word: CREDENTIALS_REJECTED,
    advice: Advice::Say("check the controller's service account, its key and the clock"),
};

/// Reasons that mean the same.
pub(super) struct Row {
    pub(super) reasons: &'static [&'static str],
    pub(super) meaning: Meaning,
}

const fn of(reasons: &'static [&'static str], meaning: Meaning) -> Row {
    Row { reasons, meaning }
}

const fn row(
    reasons: &'static [&'static str],
    class: ErrorClass,
    word: &'static str,
    advice: &'static str,
) -> Row {
    Row { reasons, meaning: Meaning { class, word, advice: Advice::Say(advice) } }
}

pub(super) const TABLE: &[Row] = &[
    of(
        &[
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "concurrentOperationsQuotaExceeded",
            "operationRateExceeded",
            "resourceOperationRateExceeded",
        ],
        THROTTLED,
    ),
    of(
        &[
            "backendError",
            "internalError",
            "internal",
            "serviceUnavailable",
            "unavailable",
            "deadlineExceeded",
            "operationCanceledByUser",
            "aborted",
        ],
        UNAVAILABLE,
    ),
    of(&["notFound", "resourceNotFound", "deleted"], VANISHED),
    of(&["alreadyExists", "resourceAlreadyExists", "duplicate", "conflict"], TAKEN),
    of(&["conditionNotMet", "fingerprintMismatch", "memberAlreadyExists", "memberNotFound"], CHANGED),
    row(
        &["resourceNotReady"],
        ErrorClass::Waiting { poll: READY },
        "WaitingForResource",
        "something that it refers to is still being made or changed; it is tried again",
    ),
    row(
        &["resourceInUseByAnotherResource", "resourceInUse", "inUse"],
        ErrorClass::Waiting { poll: RELEASE },
        IN_USE,
        "it is still used; it is tried again",
    ),
    of(&["ipInUseByAnotherResource", "ipAddressInUse", "externalIpAlreadyInUse"], ADDRESS_IN_USE),
    row(
        &["instanceInMultipleLoadBalancedIgs"],
        ErrorClass::Denied,
        "InstanceGroupConflict",
        "a node is in an instance group that balances load for somebody else: \
         use network endpoint groups, or take it out of the other one",
    ),
    row(
        &[
            "invalid",
            "invalidArgument",
            "invalidFieldValue",
            "invalidUsage",
            "badRequest",
            "failedPrecondition",
            "outOfRange",
            "unsupportedOperation",
            "invalidResourceUsage",
        ],
        ErrorClass::Rejected,
        INVALID,
        "correct the Service's annotations or its class as Google's answer says",
    ),
    of(
        &[
            "quotaExceeded",
            "dailyLimitExceeded",
            "limitExceeded",
            "resourceExhausted",
            "ipSpaceExhausted",
            "zoneResourcePoolExhausted",
            "resourcePoolExhausted",
        ],
        Meaning { class: ErrorClass::Quota, word: "QuotaExceeded", advice: Advice::Raise },
    ),
    of(
        &["forbidden", "permissionDenied", "iamPermissionDenied", "insufficientPermissions"],
        Meaning { class: ErrorClass::Denied, word: "AccessDenied", advice: Advice::Allow },
    ),
    row(
        &[
            "accessNotConfigured",
            "serviceDisabled",
            "billingDisabled",
            "billingNotEnabled",
            "consumerInvalid",
        ],
        ErrorClass::Denied,
        "ApiDisabled",
        "enable billing and compute.googleapis.com in the project",
    ),
    of(
        &[
            "authError",
            "unauthenticated",
            "unauthorized",
            "accessTokenExpired",
            "accessTokenTypeUnsupported",
            "accessTokenScopeInsufficient",
            "credentialsMissing",
            "accountStateInvalid",
        ],
        CREDENTIALS,
    ),
    row(
        &["required", "parseError", "invalidParameter", "unknownField", "methodNotAllowed"],
        ErrorClass::Bug,
        "MalformedRequest",
        "the request is malformed or the endpoint does not know it: check the endpoint, else report this as a bug",
    ),
];
