//! One value per address family, and addresses as numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_core::net::IpFamily;

/// A value for IPv4 and one for IPv6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ByFamily<T> {
    v4: T,
    v6: T,
}

impl<T> ByFamily<T> {
    /// The value of one family.
    pub(crate) const fn get(&self, family: IpFamily) -> &T {
        match family {
            IpFamily::V4 => &self.v4,
            IpFamily::V6 => &self.v6,
        }
    }

    /// The value of one family, to change it.
    pub(crate) const fn get_mut(&mut self, family: IpFamily) -> &mut T {
        match family {
            IpFamily::V4 => &mut self.v4,
            IpFamily::V6 => &mut self.v6,
        }
    }

    /// Both values, IPv4 first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (IpFamily, &T)> {
        [(IpFamily::V4, &self.v4), (IpFamily::V6, &self.v6)].into_iter()
    }
}

/// At most one address per family.
pub(crate) type AddressPair = ByFamily<Option<IpAddr>>;

impl AddressPair {
    /// The addresses there are, IPv4 first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.v4, self.v6].into_iter().flatten()
    }
}

/// The number that an address is. Numbers of different families must not be mixed.
pub(crate) fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address that a number is; `None` if the number is too large for IPv4.
pub(crate) fn to_address(family: IpFamily, number: u128) -> Option<IpAddr> {
    match family {
        IpFamily::V4 => u32::try_from(number).ok().map(|number| IpAddr::V4(Ipv4Addr::from(number))),
        IpFamily::V6 => Some(IpAddr::V6(Ipv6Addr::from(number))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.0.2.7")]
    #[case("255.255.255.255")]
    #[case("2001:db8::7")]
    #[case("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    fn an_address_survives_the_way_through_its_number(#[case] text: &str) {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(to_address(IpFamily::of(&address), to_number(address)), Some(address));
    }

    #[test]
    fn a_number_beyond_ipv4_is_no_ipv4_address() {
        assert_eq!(to_address(IpFamily::V4, 1 << 32), None);
    }
}
