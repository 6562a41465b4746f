//! Service quotas, as `DescribeAccountLimits` and the EC2 documentation name them.

use std::collections::BTreeMap;

use super::refused::{Done, refuse};

macro_rules! quotas {
    ($($(#[$doc:meta])* $name:ident: $limit:literal, $default:literal, $code:literal;)*) => {
        /// A quota.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quota {
            $($(#[$doc])* $name,)*
        }

        impl Quota {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in `DescribeAccountLimits`; for EC2's, which that does not list, a name of its own.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $limit,)* }
            }

            const fn default_limit(self) -> usize {
                match self { $(Self::$name => $default,)* }
            }

            const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

quotas! {
    /// Network Load Balancers per region.
    Balancers: "network-load-balancers", 50, "TooManyLoadBalancers";
    /// Target groups per region.
    Groups: "target-groups", 3_000, "TooManyTargetGroups";
    /// Listeners per Network Load Balancer.
    Listeners: "listeners-per-network-load-balancer", 50, "TooManyListeners";
    /// Certificates per Network Load Balancer, default certificates not counted.
    Certificates: "certificates-per-network-load-balancer", 25, "TooManyCertificates";
    /// Targets per target group.
    TargetsPerGroup: "targets-per-target-group", 1_000, "TooManyTargets";
    /// Targets per Network Load Balancer.
    TargetsPerBalancer: "targets-per-network-load-balancer", 3_000, "TooManyTargets";
    /// Targets per zone and Network Load Balancer; with cross-zone load balancing, in all zones together.
    TargetsPerZone: "targets-per-availability-zone-per-network-load-balancer", 500, "TooManyTargets";
    /// Capacity units that can be reserved.
    CapacityUnits: "reserved-capacity-units", 30_000, "CapacityUnitsLimitExceeded";
    /// Security groups per region.
    SecurityGroups: "security-groups", 2_500, "SecurityGroupLimitExceeded";
    /// Inbound rules per security group and address family.
    RulesPerSecurityGroup: "rules-per-security-group", 60, "RulesPerSecurityGroupLimitExceeded";
    /// Security groups per network interface.
    SecurityGroupsPerInterface: "security-groups-per-interface", 5, "SecurityGroupsPerInterfaceLimitExceeded";
}

/// The limits in force.
#[derive(Debug, Default)]
pub(super) struct Quotas(BTreeMap<Quota, usize>);

impl Quotas {
    pub(super) fn set(&mut self, quota: Quota, limit: usize) {
        self.0.insert(quota, limit);
    }

    pub(super) fn limit(&self, quota: Quota) -> usize {
        self.0.get(&quota).copied().unwrap_or(quota.default_limit())
    }

    /// Whether so many are allowed.
    pub(super) fn check(&self, quota: Quota, wanted: usize) -> Done<()> {
        let limit = self.limit(quota);
        if wanted > limit {
            return refuse(quota.code(), format!("{wanted} wanted, the limit {} is {limit}", quota.as_str()));
        }
        Ok(())
    }

    /// What `DescribeAccountLimits` tells: not the limits of EC2.
    pub(super) fn listed(&self) -> impl Iterator<Item = (String, String)> {
        let of_elb = |quota: &&Quota| !quota.code().contains("SecurityGroup");
        let line = |quota: &Quota| (quota.as_str().to_owned(), self.limit(*quota).to_string());
        Quota::ALL.iter().filter(of_elb).map(line)
    }
}
