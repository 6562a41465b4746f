//! What a cluster administrator would give the API server as flags.

use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// Ranges that Services draw from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Range of the default address family (`--service-cluster-ip-range`, first value).
    pub primary: IpNet,
    /// Range of the other family; without it the cluster is single-stack.
    pub secondary: Option<IpNet>,
    /// Node ports (`--service-node-port-range`). Every Service port and every health check takes one, so large
    /// benchmarks need more than the 2,768 of the default.
    pub node_ports: RangeInclusive<u16>,
}

/// Why a [`ServiceConfig`] cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Both ranges are of one address family.
    #[error("secondary service range {secondary} must be of the other address family than {primary}")]
    SameFamily {
        /// The first range.
        primary: IpNet,
        /// The range that was refused.
        secondary: IpNet,
    },
    /// A range without a usable address.
    #[error("service range {0} must hold at least 4 addresses")]
    TooSmall(IpNet),
    /// A range without a port, or with port 0.
    #[error("node port range {0}-{1} must be ascending and start above 0")]
    NodePorts(u16, u16),
}

impl Default for ServiceConfig {
    /// Dual stack, IPv4 first: 10.96.0.0/16, `fd00:10:96::/112`, ports 30000-32767.
    fn default() -> Self {
        Self {
            primary: IpNet::V4(Ipv4Net::new_assert([10, 96, 0, 0].into(), 16)),
            secondary: Some(IpNet::V6(Ipv6Net::new_assert([0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0].into(), 112))),
            node_ports: 30000..=32767,
        }
    }
}

impl ServiceConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(secondary) = self.secondary
            && secondary.addr().is_ipv4() == self.primary.addr().is_ipv4()
        {
            return Err(ConfigError::SameFamily { primary: self.primary, secondary });
        }
        if let Some(small) = [Some(self.primary), self.secondary]
            .into_iter()
            .flatten()
            .find(|net| net.prefix_len() + 2 > net.max_prefix_len())
        {
            return Err(ConfigError::TooSmall(small));
        }
        let (first, last) = (*self.node_ports.start(), *self.node_ports.end());
        if first == 0 || last < first { Err(ConfigError::NodePorts(first, last)) } else { Ok(()) }
    }
}
