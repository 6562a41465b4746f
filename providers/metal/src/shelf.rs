//! What is held under one sharing key, indexed by ports: with thousands of Services that carry one key and need one
//! port, looking at every address for every Service would take quadratic time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use landfall_core::net::{IpFamily, PortKey};

use crate::family::ByFamily;

/// The addresses held under one key.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Address → how many hold it.
    held: ByFamily<BTreeMap<IpAddr, usize>>,
    /// Port → the addresses on which somebody needs it.
    taken: HashMap<PortKey, ByFamily<BTreeSet<IpAddr>>>,
}

impl Shelf {
    /// Records one more holder of an address.
    pub(crate) fn add(&mut self, address: IpAddr, ports: &BTreeSet<PortKey>) {
        let family = IpFamily::of(&address);
        *self.held.get_mut(family).entry(address).or_default() += 1;
        for port in ports {
            self.taken.entry(*port).or_default().get_mut(family).insert(address);
        }
    }

    /// Forgets a holder of an address. Sharers have no port in common, so its ports are free there afterwards.
    pub(crate) fn remove(&mut self, address: IpAddr, ports: &BTreeSet<PortKey>) {
        let family = IpFamily::of(&address);
        let held = self.held.get_mut(family);
        if let Some(holders) = held.get_mut(&address) {
            *holders -= 1;
            if *holders == 0 {
                held.remove(&address);
            }
        }
        for port in ports {
            if let Some(taken) = self.taken.get_mut(port) {
                taken.get_mut(family).remove(&address);
                if taken.iter().all(|(_, addresses)| addresses.is_empty()) {
                    self.taken.remove(port);
                }
            }
        }
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.iter().all(|(_, held)| held.is_empty())
    }

    /// Addresses of a family on which all these ports are free, ascending. At once if one of them is taken on all.
    pub(crate) fn with_free(
        &self,
        family: IpFamily,
        ports: &BTreeSet<PortKey>,
    ) -> impl Iterator<Item = IpAddr> {
        let held = self.held.get(family);
        let taken: Vec<_> = ports.iter().filter_map(|port| Some(self.taken.get(port)?.get(family))).collect();
        let full = taken.iter().any(|addresses| addresses.len() == held.len());
        let open = (!full).then(|| held.keys().copied());
        open.into_iter().flatten().filter(move |address| taken.iter().all(|taken| !taken.contains(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_core::net::Protocol;
    use proptest::prelude::*;

    fn ports(numbers: &BTreeSet<u16>) -> BTreeSet<PortKey> {
        numbers.iter().map(|&port| PortKey { port, protocol: Protocol::Tcp }).collect()
    }

    fn address(number: u8) -> IpAddr {
        if number.is_multiple_of(2) {
            IpAddr::from([192, 0, 2, number])
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)])
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_look_at_every_holder_finds(
            wishes in prop::collection::vec((0..6u8, prop::collection::btree_set(80..84u16, 1..3)), 0..20),
            gone in prop::collection::vec(any::<bool>(), 20),
            asked in prop::collection::btree_set(80..84u16, 1..3),
        ) {
            let mut shelf = Shelf::default();
            let mut holders: Vec<(IpAddr, BTreeSet<PortKey>)> = Vec::new();
            for (number, numbers) in &wishes {
                let (address, ports) = (address(*number), ports(numbers));
                if holders.iter().all(|(other, held)| *other != address || held.is_disjoint(&ports)) {
                    shelf.add(address, &ports);
                    holders.push((address, ports));
                }
            }
            let (leave, stay): (Vec<_>, Vec<_>) =
                holders.into_iter().zip(gone).partition(|(_, gone)| *gone);
            for ((address, ports), _) in &leave {
                shelf.remove(*address, ports);
            }
            let asked = ports(&asked);
            for family in IpFamily::BOTH {
                let held: BTreeSet<IpAddr> =
                    stay.iter().map(|((one, _), _)| *one).filter(|one| IpFamily::of(one) == family).collect();
                let free = |one: &IpAddr| {
                    stay.iter().all(|((other, ports), _)| one != other || ports.is_disjoint(&asked))
                };
                let want: Vec<_> = held.into_iter().filter(free).collect();
                prop_assert_eq!(shelf.with_free(family, &asked).collect::<Vec<_>>(), want);
            }
            prop_assert_eq!(shelf.is_empty(), stay.is_empty());
            if stay.is_empty() {
                prop_assert!(shelf.taken.is_empty(), "{:?}", shelf);
            }
        }
    }
}
