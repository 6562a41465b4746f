//! Address families, protocols and ranges.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// IPv4 or IPv6, spelled as in `spec.ipFamilies`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum IpFamily {
    /// IPv4.
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    V6,
}

impl IpFamily {
    /// Both, IPv4 first.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The spelling of `spec.ipFamilies`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Transport protocol of a Service port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The spelling of `spec.ports[].protocol`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Port and protocol: what may exist once on a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortKey {
    /// Port number, 1 to 65535.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
}

impl fmt::Display for PortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

/// Who may connect, per family.
///
/// An empty list of a family means that nobody of that family may connect; "everybody" is spelled out as
/// `0.0.0.0/0` and `::/0`. So a family without ranges can never turn into allow-all by accident.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SourceRanges {
    /// IPv4 ranges, sorted, without duplicates.
    pub v4: Vec<IpNet>,
    /// IPv6 ranges, sorted, without duplicates.
    pub v6: Vec<IpNet>,
}

impl SourceRanges {
    /// Everybody, in both families.
    pub fn everybody() -> Self {
        Self { v4: vec![all_of(IpFamily::V4)], v6: vec![all_of(IpFamily::V6)] }
    }

    /// Splits ranges by family.
    pub fn from_ranges(ranges: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6): (Vec<_>, Vec<_>) =
            ranges.into_iter().map(|range| range.trunc()).partition(|range| range.addr().is_ipv4());
        for list in [&mut v4, &mut v6] {
            list.sort_unstable();
            list.dedup();
        }
        Self { v4, v6 }
    }

    /// The ranges of one family.
    pub fn of(&self, family: IpFamily) -> &[IpNet] {
        match family {
            IpFamily::V4 => &self.v4,
            IpFamily::V6 => &self.v6,
        }
    }

    /// Whether everybody of that family may connect.
    pub fn is_open(&self, family: IpFamily) -> bool {
        self.of(family).contains(&all_of(family))
    }
}

/// `0.0.0.0/0` or `::/0`.
pub const fn all_of(family: IpFamily) -> IpNet {
    match family {
        IpFamily::V4 => IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0)),
        IpFamily::V6 => IpNet::V6(ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::UNSPECIFIED, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_split_sorted_and_truncated() {
        let ranges = SourceRanges::from_ranges(
            ["10.1.2.3/8", "2001:db8::1/32", "10.0.0.0/8", "1.0.0.0/8"].map(|r| r.parse().unwrap()),
        );
        assert_eq!(ranges.v4, ["1.0.0.0/8", "10.0.0.0/8"].map(|r| r.parse::<IpNet>().unwrap()));
        assert_eq!(ranges.v6, ["2001:db8::/32".parse::<IpNet>().unwrap()]);
        assert!(!ranges.is_open(IpFamily::V4));
    }

    #[test]
    fn everybody_is_open_in_both_families() {
        let all = SourceRanges::everybody();
        assert!(all.is_open(IpFamily::V4) && all.is_open(IpFamily::V6));
    }
}
