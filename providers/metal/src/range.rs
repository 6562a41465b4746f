//! Reading the entries of `AddressPool.spec.addresses`.
//!
//! An entry is a network (`192.0.2.0/24`), an inclusive range (`192.0.2.10-192.0.2.20`, spaces allowed around the
//! dash) or a single address. What cannot be the address of a Service is refused, also as a part of an entry: a
//! pool that looks larger than it is misleads whoever plans with it.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::net::IpFamily;
use landfall_core::refusal::clip;

use crate::family::{to_address, to_number};

/// Addresses from `first` to `last`, both included, as numbers of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressRange {
    /// Family.
    pub(crate) family: IpFamily,
    /// First address.
    pub(crate) first: u128,
    /// Last address; never below `first`.
    pub(crate) last: u128,
}

impl AddressRange {
    /// Whether an address lies in it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        IpFamily::of(&address) == self.family && (self.first..=self.last).contains(&to_number(address))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.family == other.family && self.first <= other.last && other.first <= self.last
    }
}

/// One entry of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The text as given, trimmed.
    pub(crate) text: String,
    /// What it spans.
    pub(crate) range: AddressRange,
    /// Which of its ends are a network's own.
    pub(crate) own: OwnEnds,
}

/// Which ends of an entry mean something to the network itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OwnEnds {
    /// The first: the address of an IPv4 network shorter than /31 (RFC 3021), the subnet-router anycast address of an
    /// IPv6 network shorter than /127 (RFC 4291, 2.6.1; RFC 6164).
    pub(crate) first: bool,
    /// The last: the broadcast address of an IPv4 network shorter than /31.
    pub(crate) last: bool,
}

/// Why an entry cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryError {
    /// Neither a network, nor a range, nor an address.
    #[error(
        "is not an address; write a network (192.0.2.0/24, 2001:db8::/64), a range (192.0.2.10-192.0.2.20) or an address"
    )]
    Unreadable,
    /// `192.0.2.5/24`: the writer means either the network or the address, and guessing gives out wrong ones.
    #[error("has host bits set; write {network} for the network or {address} for the address alone")]
    HostBits {
        /// The network.
        network: IpNet,
        /// The address.
        address: IpAddr,
    },
    /// The two ends are of different families.
    #[error("mixes IPv4 and IPv6 in one range")]
    MixedFamilies,
    /// The first address is above the last.
    #[error("is reversed; write {last}-{first}")]
    Reversed {
        /// The first address as given.
        first: IpAddr,
        /// The last address as given.
        last: IpAddr,
    },
    /// It contains addresses that no Service can have.
    #[error("contains {what} addresses ({block}), which no Service can have")]
    Forbidden {
        /// The kind.
        what: &'static str,
        /// The block they come from.
        block: &'static str,
    },
}

/// Reads one entry.
pub(crate) fn parse(text: &str) -> Result<Entry, EntryError> {
    let text = text.trim();
    let (range, own) = if text.contains('/') {
        parse_network(text)?
    } else if let Some((first, last)) = text.split_once('-') {
        (parse_range(first, last)?, OwnEnds::default())
    } else {
        let address = parse_address(text)?;
        (span(address, address), OwnEnds::default())
    };
    if let Some(&(what, block)) = FORBIDDEN.iter().find(|(_, block)| forbidden_range(block).overlaps(&range))
    {
        return Err(EntryError::Forbidden { what, block });
    }
    Ok(Entry { text: clip(text, 96), range, own })
}

fn parse_network(text: &str) -> Result<(AddressRange, OwnEnds), EntryError> {
    let network: IpNet = text.parse().map_err(|_| EntryError::Unreadable)?;
    if network.trunc() != network {
        return Err(EntryError::HostBits { network: network.trunc(), address: network.addr() });
    }
    let own = match network {
        IpNet::V4(network) => OwnEnds { first: network.prefix_len() < 31, last: network.prefix_len() < 31 },
        IpNet::V6(network) => OwnEnds { first: network.prefix_len() < 127, last: false },
    };
    Ok((span(network.network(), network.broadcast()), own))
}

fn parse_range(first: &str, last: &str) -> Result<AddressRange, EntryError> {
    let (first, last) = (parse_address(first)?, parse_address(last)?);
    if IpFamily::of(&first) != IpFamily::of(&last) {
        return Err(EntryError::MixedFamilies);
    }
    if first > last {
        return Err(EntryError::Reversed { first, last });
    }
    Ok(span(first, last))
}

fn parse_address(text: &str) -> Result<IpAddr, EntryError> {
    text.trim().parse().map_err(|_| EntryError::Unreadable)
}

fn span(first: IpAddr, last: IpAddr) -> AddressRange {
    AddressRange { family: IpFamily::of(&first), first: to_number(first), last: to_number(last) }
}

/// Never the address of a Service (RFC 6890 and its registries).
const FORBIDDEN: [(&str, &str); 10] = [
    ("unspecified", "0.0.0.0/8"),
    ("loopback", "127.0.0.0/8"),
    ("link-local", "169.254.0.0/16"),
    ("multicast", "224.0.0.0/4"),
    ("broadcast", "255.255.255.255/32"),
    ("unspecified", "::/128"),
    ("loopback", "::1/128"),
    ("IPv4-mapped", "::ffff:0:0/96"),
    ("link-local", "fe80::/10"),
    ("multicast", "ff00::/8"),
];

/// The span of a block of the table above; one that cannot be read would span nothing, and a test reads them all.
fn forbidden_range(block: &str) -> AddressRange {
    parse_network(block).map_or(AddressRange { family: IpFamily::V4, first: 1, last: 0 }, |(range, _)| range)
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (to_address(self.family, self.first), to_address(self.family, self.last)) {
            (Some(first), Some(last)) if first == last => write!(f, "{first}"),
            (Some(first), Some(last)) => write!(f, "{first}-{last}"),
            _ => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.0.2.0/24", "192.0.2.0-192.0.2.255", (true, true))]
    #[case("192.0.2.0/30", "192.0.2.0-192.0.2.3", (true, true))]
    #[case("192.0.2.0/31", "192.0.2.0-192.0.2.1", (false, false))]
    #[case("192.0.2.7/32", "192.0.2.7", (false, false))]
    #[case(" 192.0.2.10 - 192.0.2.20 ", "192.0.2.10-192.0.2.20", (false, false))]
    #[case("192.0.2.10-192.0.2.10", "192.0.2.10", (false, false))]
    #[case("192.0.2.7", "192.0.2.7", (false, false))]
    #[case("10.0.0.0/8", "10.0.0.0-10.255.255.255", (true, true))]
    #[case("2001:db8::/64", "2001:db8::-2001:db8::ffff:ffff:ffff:ffff", (true, false))]
    #[case("2001:db8::/126", "2001:db8::-2001:db8::3", (true, false))]
    #[case("2001:db8::/127", "2001:db8::-2001:db8::1", (false, false))]
    #[case("2001:db8::/128", "2001:db8::", (false, false))]
    #[case("2001:db8::1-2001:db8::f", "2001:db8::1-2001:db8::f", (false, false))]
    #[case("2000::/3", "2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", (true, false))]
    fn good_entries(#[case] text: &str, #[case] span: &str, #[case] own: (bool, bool)) {
        let entry = parse(text).unwrap();
        assert_eq!(entry.range.to_string(), span);
        assert_eq!((entry.own.first, entry.own.last), own);
    }

    #[rstest]
    #[case("", "is not an address")]
    #[case("web", "is not an address")]
    #[case("192.0.2.0/33", "is not an address")]
    #[case("192.0.2", "is not an address")]
    #[case("192.0.2.1-", "is not an address")]
    #[case("192.0.2.1-192.0.2.3-192.0.2.4", "is not an address")]
    #[case("192.0.2.010", "is not an address")]
    #[case("fd00::1%eth0", "is not an address")]
    #[case("192.0.2.5/24", "write 192.0.2.0/24 for the network or 192.0.2.5 for the address alone")]
    #[case("2001:db8::1/64", "write 2001:db8::/64 for the network")]
    #[case("192.0.2.1-2001:db8::1", "mixes IPv4 and IPv6")]
    #[case("192.0.2.9-192.0.2.3", "write 192.0.2.3-192.0.2.9")]
    #[case("0.0.0.0", "unspecified addresses (0.0.0.0/8)")]
    #[case("0.0.0.0/0", "unspecified addresses (0.0.0.0/8)")]
    #[case("126.0.0.1-128.0.0.1", "loopback addresses (127.0.0.0/8)")]
    #[case("169.254.1.0/24", "link-local addresses (169.254.0.0/16)")]
    #[case("239.1.2.3", "multicast addresses (224.0.0.0/4)")]
    #[case("255.255.255.255", "broadcast addresses (255.255.255.255/32)")]
    #[case("::/0", "unspecified addresses (::/128)")]
    #[case("::1", "loopback addresses (::1/128)")]
    #[case("::ffff:192.0.2.1", "IPv4-mapped addresses")]
    #[case("fe80::/64", "link-local addresses (fe80::/10)")]
    #[case("ff02::1", "multicast addresses (ff00::/8)")]
    fn bad_entries_say_what_is_wrong(#[case] text: &str, #[case] message: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn every_forbidden_block_is_readable() {
        for (_, block) in FORBIDDEN {
            let range = forbidden_range(block);
            assert!(range.first <= range.last, "{block}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_almost_good_text_panics(text in "[0-9a-f:./ -]{0,45}") {
            if let Ok(entry) = parse(&text) {
                prop_assert!(entry.range.first <= entry.range.last);
            }
        }
    }
}
