//! Identifiers that AWS hands out. Opaque: compared and printed, never taken apart.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(String);

            impl $name {
                /// Takes the text as it came.
                pub fn new(text: impl Into<String>) -> Self {
                    Self(text.into())
                }

                /// The text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{:?}", self.0)
                }
            }

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self(text.to_owned())
                }
            }
        )*
    };
}

opaque! {
    /// ARN of a load balancer.
    LoadBalancerArn;
    /// ARN of a target group.
    TargetGroupArn;
    /// ARN of a listener.
    ListenerArn;
    /// `sg-…`.
    SecurityGroupId;
    /// `subnet-…`.
    SubnetId;
    /// `vpc-…`.
    VpcId;
    /// `i-…`.
    InstanceId;
}
