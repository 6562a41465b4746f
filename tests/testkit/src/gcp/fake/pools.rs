//! Where new addresses come from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use landfall_gcp::api::{Kind, Reference};

use super::json::{text, url};
use super::refused::{Done, invalid, refuse};
use super::state::State;

/// What was given out. No address is given out twice, as if others of Google's customers took what is let go.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// External IPv4 addresses by region and tier.
    external: BTreeMap<(String, Tier), u32>,
    /// `/96` blocks by subnet.
    blocks: BTreeMap<Reference, u32>,
    /// `/96` blocks of the project's own range.
    collection: u32,
    /// Where to look next, by subnet.
    internal: BTreeMap<Reference, u32>,
}

/// A tier of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Premium,
    Standard,
}

/// A subnet that addresses are from.
#[derive(Debug, Clone)]
pub(super) struct Subnet {
    pub(super) what: Reference,
    /// URL.
    pub(super) network: String,
    v4: Option<Ipv4Net>,
    internal_v6: Option<Ipv6Net>,
    external_v6: Option<Ipv6Net>,
}

impl Tier {
    /// The tier of that name; premium unless told.
    pub(super) fn parse(word: Option<&str>) -> Done<Self> {
        match word.unwrap_or("PREMIUM") {
            "PREMIUM" => Ok(Self::Premium),
            "STANDARD" => Ok(Self::Standard),
            other => invalid("networkTier", other, "Supported here: PREMIUM, STANDARD."),
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Premium => "PREMIUM",
            Self::Standard => "STANDARD",
        }
    }
}

impl State {
    /// The subnet of a URL.
    pub(super) fn subnet(&self, given: &str) -> Done<Subnet> {
        let what = url("subnetwork", given, Kind::Subnetwork)?;
        let body = &self.referred("subnetwork", &what)?.body;
        let v6 = |name: &str| text(body, name).and_then(|range| range.parse().ok());
        Ok(Subnet {
            network: text(body, "network").unwrap_or_default().to_owned(),
            v4: text(body, "ipCidrRange").and_then(|range| range.parse().ok()),
            internal_v6: v6("internalIpv6Prefix"),
            external_v6: v6("externalIpv6Prefix"),
            what,
        })
    }

    /// An external IPv4 address that nobody has.
    pub(super) fn new_external_v4(&mut self, region: &str, tier: Tier) -> IpAddr {
        let blocks = u8::try_from(self.pools.external.len()).unwrap_or_default();
        let first = match tier {
            Tier::Premium => Ipv4Addr::new(34, 16 + blocks, 0, 0),
            Tier::Standard => Ipv4Addr::new(35, 208 + blocks, 0, 0),
        };
        let next = self.pools.external.entry((region.to_owned(), tier)).or_insert(first.to_bits());
        *next += 1;
        Ipv4Addr::from_bits(*next).into()
    }

    /// The first address of an external or internal `/96` block of a subnet that nobody has.
    pub(super) fn new_v6(&mut self, subnet: &Subnet, external: bool) -> Done<IpAddr> {
        let prefix = subnet.v6(external)?;
        loop {
            let next = self.pools.blocks.entry(subnet.what.clone()).or_default();
            *next += 1;
            let block = u128::from(*next) << 32;
            let address = Ipv6Addr::from_bits(prefix.network().to_bits() | block);
            if !self.is_held(&address.into()) {
                return Ok(address.into());
            }
        }
    }

    /// The first address of a `/96` block of the range that the project brought along.
    pub(super) fn new_of_collection(&mut self) -> IpAddr {
        const RANGE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb0b, 0, 0, 0, 0, 0);
        self.pools.collection += 1;
        Ipv6Addr::from_bits(RANGE.to_bits() | u128::from(self.pools.collection) << 32).into()
    }

    /// An internal IPv4 address of a subnet that nobody has, from its upper half on.
    pub(super) fn new_internal_v4(&mut self, subnet: &Subnet) -> Done<IpAddr> {
        let Some(range) = subnet.v4 else {
            return invalid("subnetwork", &subnet.what, "The subnet has no IPv4 range.");
        };
        let size = 1_u32.checked_shl(32 - u32::from(range.prefix_len())).unwrap_or(u32::MAX);
        let begin = self.pools.internal.get(&subnet.what).copied().unwrap_or(size / 2);
        let hosts = (0..size).map(|step| (begin + step) % size).filter(|host| (2..size - 2).contains(host));
        let address = |host: u32| IpAddr::from(Ipv4Addr::from_bits(range.network().to_bits() + host));
        let Some(host) = hosts.into_iter().find(|host| !self.is_held(&address(*host))) else {
            return refuse(400, "IP_SPACE_EXHAUSTED", format!("IP space of '{}' is exhausted.", subnet.what));
        };
        self.pools.internal.insert(subnet.what.clone(), host + 1);
        Ok(address(host))
    }

    fn is_held(&self, address: &IpAddr) -> bool {
        self.store.holders(&address.to_string()).next().is_some()
    }
}

impl Subnet {
    /// The IPv6 range, if load balancers of that scheme can have addresses of it.
    fn v6(&self, external: bool) -> Done<Ipv6Net> {
        let (range, word) =
            if external { (self.external_v6, "EXTERNAL") } else { (self.internal_v6, "INTERNAL") };
        let why = format!("The subnet has no IPv6 range with ipv6AccessType {word}.");
        range.map_or_else(|| invalid("subnetwork", &self.what, &why), Ok)
    }

    /// Refuses an address that is not in the subnet.
    pub(super) fn check_contains(&self, field: &str, address: IpAddr, external: bool) -> Done<()> {
        let range = match (address, self.v4) {
            (IpAddr::V4(_), Some(range)) => IpNet::from(range),
            (IpAddr::V4(_), None) => return invalid(field, address, "The subnet has no IPv4 range."),
            (IpAddr::V6(_), _) => self.v6(external)?.into(),
        };
        if range.contains(&address) {
            return Ok(());
        }
        invalid(field, address, &format!("It is outside of the range {range} of the subnet."))
    }
}
