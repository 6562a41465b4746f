//! The API actions that the provider uses: the list behind pacing, metrics and the IAM policy.

use std::fmt;

/// What AWS charges a request against. The figures are in [`crate::pace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// ELBv2: `CreateLoadBalancer` and `SetSubnets`.
    ElbResourceIntensive,
    /// ELBv2: `RegisterTargets` and `DeregisterTargets`.
    ElbRegistration,
    /// ELBv2: every other change.
    ElbMutating,
    /// ELBv2: reads.
    ElbNonMutating,
    /// EC2: reads.
    Ec2NonMutating,
    /// EC2: making and deleting.
    Ec2Mutating,
    /// EC2: changes of security group rules.
    Ec2ResourceIntensive,
    /// EC2: tags.
    Ec2Tags,
}

impl Category {
    /// Its name, for people and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ElbResourceIntensive => "ElbResourceIntensive",
            Self::ElbRegistration => "ElbRegistration",
            Self::ElbMutating => "ElbMutating",
            Self::ElbNonMutating => "ElbNonMutating",
            Self::Ec2NonMutating => "Ec2NonMutating",
            Self::Ec2Mutating => "Ec2Mutating",
            Self::Ec2ResourceIntensive => "Ec2ResourceIntensive",
            Self::Ec2Tags => "Ec2Tags",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $service:literal, $category:ident;)*) => {
        /// An API action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is the name of an API page")]
        pub enum Action {
            $($name,)*
        }

        impl Action {
            /// Every action that the provider may use.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The API's name of it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The IAM prefix of its service.
            pub const fn service(self) -> &'static str {
                match self {
                    $(Self::$name => $service,)*
                }
            }

            /// What AWS charges it against.
            pub const fn category(self) -> Category {
                match self {
                    $(Self::$name => Category::$category,)*
                }
            }
        }
    };
}

actions! {
    DescribeLoadBalancers: "elasticloadbalancing", ElbNonMutating;
    DescribeTargetGroups: "elasticloadbalancing", ElbNonMutating;
    DescribeTags: "elasticloadbalancing", ElbNonMutating;
    DescribeListeners: "elasticloadbalancing", ElbNonMutating;
    DescribeListenerCertificates: "elasticloadbalancing", ElbNonMutating;
    DescribeListenerAttributes: "elasticloadbalancing", ElbNonMutating;
    DescribeLoadBalancerAttributes: "elasticloadbalancing", ElbNonMutating;
    DescribeTargetGroupAttributes: "elasticloadbalancing", ElbNonMutating;
    DescribeTargetHealth: "elasticloadbalancing", ElbNonMutating;
    DescribeAccountLimits: "elasticloadbalancing", ElbNonMutating;
    DescribeCapacityReservation: "elasticloadbalancing", ElbNonMutating;
    CreateLoadBalancer: "elasticloadbalancing", ElbResourceIntensive;
    SetSubnets: "elasticloadbalancing", ElbResourceIntensive;
    DeleteLoadBalancer: "elasticloadbalancing", ElbMutating;
    ModifyLoadBalancerAttributes: "elasticloadbalancing", ElbMutating;
    SetSecurityGroups: "elasticloadbalancing", ElbMutating;
    SetIpAddressType: "elasticloadbalancing", ElbMutating;
    ModifyCapacityReservation: "elasticloadbalancing", ElbMutating;
    CreateTargetGroup: "elasticloadbalancing", ElbMutating;
    ModifyTargetGroup: "elasticloadbalancing", ElbMutating;
    ModifyTargetGroupAttributes: "elasticloadbalancing", ElbMutating;
    DeleteTargetGroup: "elasticloadbalancing", ElbMutating;
    RegisterTargets: "elasticloadbalancing", ElbRegistration;
    DeregisterTargets: "elasticloadbalancing", ElbRegistration;
    CreateListener: "elasticloadbalancing", ElbMutating;
    ModifyListener: "elasticloadbalancing", ElbMutating;
    ModifyListenerAttributes: "elasticloadbalancing", ElbMutating;
    DeleteListener: "elasticloadbalancing", ElbMutating;
    AddListenerCertificates: "elasticloadbalancing", ElbMutating;
    RemoveListenerCertificates: "elasticloadbalancing", ElbMutating;
    AddTags: "elasticloadbalancing", ElbMutating;
    RemoveTags: "elasticloadbalancing", ElbMutating;
    DescribeSubnets: "ec2", Ec2NonMutating;
    DescribeVpcs: "ec2", Ec2NonMutating;
    DescribeRouteTables: "ec2", Ec2NonMutating;
    DescribeAvailabilityZones: "ec2", Ec2NonMutating;
    DescribeInstances: "ec2", Ec2NonMutating;
    DescribeSecurityGroups: "ec2", Ec2NonMutating;
    DescribeNetworkInterfaces: "ec2", Ec2NonMutating;
    CreateSecurityGroup: "ec2", Ec2Mutating;
    DeleteSecurityGroup: "ec2", Ec2Mutating;
    AuthorizeSecurityGroupIngress: "ec2", Ec2ResourceIntensive;
    RevokeSecurityGroupIngress: "ec2", Ec2ResourceIntensive;
    CreateTags: "ec2", Ec2Tags;
    DeleteTags: "ec2", Ec2Tags;
}

impl Action {
    /// Whether it can change anything.
    pub const fn is_write(self) -> bool {
        !matches!(self.category(), Category::ElbNonMutating | Category::Ec2NonMutating)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service(), self.as_str())
    }
}
