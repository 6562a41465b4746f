//! The table of error codes: what each means for the next step, what it is called, and what to do about it.
//!
//! Codes are those of the query protocol, from the API references of Elastic Load Balancing and EC2 and the pages on
//! errors common to all actions. Only codes are matched, never texts.

use std::time::Duration;

use landfall_core::error::ErrorClass;

use crate::api::error::Failure;
use crate::api::{Action, ApiError};

/// What an error code means.
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
#[derive(Debug, Clone, Copy)]
pub(super) enum Advice {
    /// This.
    Say(&'static str),
    /// Allow the action to the controller.
    Allow,
    /// Have a quota raised.
    Raise {
        /// The quota, in AWS's words.
        quota: &'static str,
        /// Its name in `DescribeAccountLimits`, if that tells it.
        limit: Option<&'static str>,
    },
}

/// What an answer means: by its code, or else by what kind of failure it is.
pub(super) fn meaning(error: &ApiError) -> Meaning {
    match &error.kind {
        Failure::Answered { code, status, .. } => {
            // What is in use is then not the object of the request but an address that it is to have.
            let is_address = code == "ResourceInUse" && gives_addresses(error.action);
            let code = if is_address { ADDRESS_IN_USE } else { code };
            by_code(code).unwrap_or_else(|| by_status(*status))
        }
        Failure::NoAnswer { .. } => UNAVAILABLE,
        Failure::TimedOut { .. } => Meaning { word: "CallTimedOut", ..UNAVAILABLE },
        Failure::NotSent { .. } => Meaning {
            class: ErrorClass::Denied,
            word: "CallNotSent",
            advice: Advice::Say("check the controller's credentials, region and endpoint"),
        },
        Failure::Unreadable { .. } => Meaning {
            class: ErrorClass::Transient,
            word: "AnswerUnreadable",
            advice: Advice::Say("it is tried again; check what answers at the endpoint"),
        },
    }
}

/// The code of EC2 for an address that something else has.
const ADDRESS_IN_USE: &str = "InvalidIPAddress.InUse";

fn gives_addresses(action: Action) -> bool {
    matches!(action, Action::CreateLoadBalancer | Action::SetSubnets)
}

/// The quota behind an error code, by its name in `DescribeAccountLimits`. `None` if the code is not about a quota, or
/// about one that the API does not tell.
pub fn quota_of(code: &str) -> Option<&'static str> {
    match by_code(code)?.advice {
        Advice::Raise { limit, .. } => limit,
        Advice::Say(_) | Advice::Allow => None,
    }
}

fn by_code(code: &str) -> Option<Meaning> {
    // The JSON protocols and some EC2 codes have the suffix, the query protocol has not.
    let code = code.strip_suffix("Exception").unwrap_or(code);
    TABLE.iter().find(|row| row.codes.contains(&code)).map(|row| row.meaning)
}

fn by_status(status: u16) -> Meaning {
    match status {
        429 => THROTTLED,
        500.. => UNAVAILABLE,
        // Slowly retried: who knows whether it is the wish, the account or the network between that must change.
        _ => Meaning {
            class: ErrorClass::Denied,
            word: "AwsRefused",
            advice: Advice::Say("see AWS's answer; it is tried again slowly"),
        },
    }
}

/// The word for credentials that AWS does not accept.
pub(super) const CREDENTIALS_REJECTED: &str = "CredentialsRejected";

/// The word for a name that something else has.
pub(super) const NAME_TAKEN: &str = "NameTaken";

const THROTTLED: Meaning = Meaning {
    class: ErrorClass::Throttled { after: None },
    word: "ApiThrottled",
    advice: Advice::Say(
        "AWS asks for fewer requests; the rate is lowered and it is tried again; \
         look for other programs that use this account's API",
    ),
};

const UNAVAILABLE: Meaning = Meaning {
    class: ErrorClass::Transient,
    word: "CloudUnavailable",
    advice: Advice::Say("AWS or the network failed; it is tried again"),
};

/// Codes that mean the same.
pub(super) struct Row {
    pub(super) codes: &'static [&'static str],
    pub(super) meaning: Meaning,
}

const fn row(
    codes: &'static [&'static str],
    class: ErrorClass,
    word: &'static str,
    advice: &'static str,
) -> Row {
    Row { codes, meaning: Meaning { class, word, advice: Advice::Say(advice) } }
}

const fn quota(codes: &'static [&'static str], quota: &'static str, limit: Option<&'static str>) -> Row {
    let advice = Advice::Raise { quota, limit };
    Row { codes, meaning: Meaning { class: ErrorClass::Quota, word: "QuotaExceeded", advice } }
}

/// How long until something that is being released is looked at again.
const RELEASE: Duration = Duration::from_secs(10);
/// How long until an address that is asked for is tried again: somebody else may have it for good.
const ADDRESS: Duration = Duration::from_secs(30);
/// How long until capacity that is being set up is looked at again.
const CAPACITY: Duration = Duration::from_mins(1);

pub(super) const TABLE: &[Row] = &[
    Row {
        codes: &[
            "Throttling",
            "Throttled",
            "RequestThrottled",
            "RequestLimitExceeded",
            "TooManyRequests",
            "LimitExceeded",
            "BandwidthLimitExceeded",
            "SlowDown",
            "EC2Throttled",
        ],
        meaning: THROTTLED,
    },
    Row {
        codes: &[
            "InternalFailure",
            "InternalError",
            "ServiceUnavailable",
            "Unavailable",
            "RequestTimeout",
            "HealthUnavailable",
        ],
        meaning: UNAVAILABLE,
    },
    row(
        &[
            "LoadBalancerNotFound",
            "ListenerNotFound",
            "TargetGroupNotFound",
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
        ],
        ErrorClass::Conflict,
        "ResourceVanished",
        "it is not there, or not yet; everything is read again and what is missing made again",
    ),
    row(
        &["InvalidPermission.Duplicate", "InvalidPermission.NotFound"],
        ErrorClass::Conflict,
        "ChangedMeanwhile",
        "somebody else changed it; it is read again",
    ),
    row(
        &[
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "InvalidGroup.Duplicate",
        ],
        ErrorClass::Conflict,
        NAME_TAKEN,
        "something of that name or port with other settings exists: rename or delete it",
    ),
    row(
        &["ResourceInUse", "DependencyViolation", "InvalidGroup.InUse"],
        ErrorClass::Waiting { poll: RELEASE },
        "WaitingForRelease",
        "something still uses it; it is tried again",
    ),
    row(
        // Interfaces of a predecessor go minutes after it.
        &[ADDRESS_IN_USE],
        ErrorClass::Waiting { poll: ADDRESS },
        "WaitingForRelease",
        "the address is still in use, perhaps by a load balancer that is going; it is tried again: if something else \
         has it, free it or ask for another",
    ),
    row(
        &["OperationNotPermitted"],
        ErrorClass::Denied,
        "OperationNotPermitted",
        "AWS does not permit it in the present state: see its answer (deletion protection is lifted with the \
         attribute deletion_protection.enabled)",
    ),
    row(
        &["InsufficientCapacity", "InsufficientInstanceCapacity", "CapacityReservationPending"],
        ErrorClass::Waiting { poll: CAPACITY },
        "CapacityPending",
        "AWS is still providing the capacity; it is tried again",
    ),
    row(
        // The SDK counts it as throttling; from ModifyCapacityReservation it means that the last change is under way.
        &["PriorRequestNotComplete"],
        ErrorClass::Waiting { poll: CAPACITY },
        "CapacityPending",
        "the last change is still under way; it is tried again",
    ),
    row(
        &[
            "ValidationError",
            "InvalidConfigurationRequest",
            "InvalidScheme",
            "InvalidSubnet",
            "SubnetNotFound",
            "InvalidSecurityGroup",
            "AllocationIdNotFound",
            "AvailabilityZoneNotSupported",
            "CertificateNotFound",
            "SSLPolicyNotFound",
            "ALPNPolicyNotFound",
            "UnsupportedProtocol",
            "IncompatibleProtocols",
            "InvalidTarget",
            "DuplicateTagKeys",
            "InvalidLoadBalancerAction",
            "InvalidParameterValue",
            "InvalidSubnetID.NotFound",
            "InvalidSubnetID.Malformed",
            "InvalidVpcID.NotFound",
            "InvalidVpcID.Malformed",
            "InvalidSecurityGroupID.NotFound",
            "InvalidGroupId.Malformed",
            "InvalidAllocationID.NotFound",
            "InvalidInstanceID.NotFound",
            "InvalidInstanceID.Malformed",
            "InvalidPrefixListID.NotFound",
            "InvalidPrefixListId.NotFound",
            "InvalidPermission.Malformed",
            "InvalidGroup.Reserved",
            "UnsupportedOperation",
        ],
        ErrorClass::Rejected,
        "InvalidConfiguration",
        "correct the Service's annotations or its class as AWS's answer says",
    ),
    quota(
        &["TooManyLoadBalancers"],
        "Network Load Balancers per Region (network-load-balancers)",
        Some("network-load-balancers"),
    ),
    quota(&["TooManyTargetGroups"], "target groups per Region (target-groups)", Some("target-groups")),
    quota(
        &["TooManyListeners"],
        "listeners per Network Load Balancer (listeners-per-network-load-balancer)",
        Some("listeners-per-network-load-balancer"),
    ),
    quota(
        &["TooManyTargets"],
        "targets per Network Load Balancer (targets-per-network-load-balancer), per zone of it or per target group",
        Some("targets-per-network-load-balancer"),
    ),
    quota(
        &["TooManyCertificates"],
        "certificates per Network Load Balancer (certificates-per-network-load-balancer)",
        Some("certificates-per-network-load-balancer"),
    ),
    quota(
        &["TooManyUniqueTargetGroupsPerLoadBalancer"],
        "target groups per action on a Network Load Balancer (target-groups-per-action-on-network-load-balancer)",
        Some("target-groups-per-action-on-network-load-balancer"),
    ),
    quota(&["TooManyRegistrationsForTargetId"], "registrations of one target per load balancer", None),
    quota(&["TargetGroupAssociationLimit"], "load balancers per target group", None),
    quota(&["TooManyTags", "TagLimitExceeded"], "tags per resource (50)", None),
    quota(&["CapacityUnitsLimitExceeded"], "load balancer capacity units", None),
    quota(
        &["CapacityDecreaseRequestsLimitExceeded", "CapacityDecreaseRequestLimitExceeded"],
        "decreases of reserved capacity per day",
        None,
    ),
    quota(&["RulesPerSecurityGroupLimitExceeded"], "inbound rules per security group", None),
    quota(&["SecurityGroupLimitExceeded"], "security groups per Region", None),
    quota(&["SecurityGroupsPerInterfaceLimitExceeded"], "security groups per network interface", None),
    quota(&["AddressLimitExceeded"], "Elastic IP addresses per Region", None),
    quota(&["InsufficientFreeAddressesInSubnet"], "free addresses in the subnet", None),
    Row {
        codes: &["AccessDenied", "UnauthorizedOperation"],
        meaning: Meaning { class: ErrorClass::Denied, word: "AccessDenied", advice: Advice::Allow },
    },
    row(
        &[
            "AuthFailure",
            "ExpiredToken",
            "RequestExpired",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "UnrecognizedClient",
            "OptInRequired",
        ],
        ErrorClass::Denied,
        CREDENTIALS_REJECTED,
        "check the controller's role, keys and clock, and that the account may use this Region",
    ),
    row(
        &[
            "InvalidAction",
            "MissingAction",
            "MissingParameter",
            "UnknownParameter",
            "InvalidQueryParameter",
            "MalformedQueryString",
            "InvalidParameterCombination",
            "InvalidFilter",
        ],
        ErrorClass::Bug,
        "MalformedRequest",
        "the request is malformed or the endpoint does not know it: check the endpoint, else report this as a bug",
    ),
];
