//! Addresses of forwarding rules.

use std::net::IpAddr;

use landfall_gcp::api::{Kind, Reference, Scope};

use super::super::super::json::{Fields, absent, default, text};
use super::super::super::pools::{Subnet, Tier};
use super::super::super::refused::{Done, invalid, refuse};
use super::super::super::seed::IP_COLLECTION;
use super::super::super::state::State;
use super::super::addresses::{check_region, in_use};

/// What a forwarding rule says of its address.
struct Wish<'a> {
    what: &'a Reference,
    external: bool,
    v6: bool,
    tier: Tier,
    subnet: Option<Subnet>,
}

/// The address of a new forwarding rule, as it is written: with `/96` if it is one of IPv6. Fills in tier, network,
/// subnet and family.
pub(super) fn choose(state: &mut State, what: &Reference, body: &mut Fields, external: bool) -> Done<String> {
    let given = given(state, what, body)?;
    let version = text(body, "ipVersion").unwrap_or("IPV4") == "IPV6";
    let v6 = given.as_ref().map_or(version, |(address, _)| address.is_ipv6());
    if text(body, "ipVersion").is_some() && version != v6 {
        return invalid("ipVersion", if version { "IPV6" } else { "IPV4" }, "The address is of another one.");
    }
    let tier = Tier::parse(text(body, "networkTier"))?;
    if tier == Tier::Standard && (v6 || !external) {
        return invalid(
            "networkTier",
            tier.word(),
            "Only external IPv4 addresses can be of the standard tier.",
        );
    }
    default(body, "networkTier", tier.word());
    if text(body, "ipCollection").is_some() {
        return from_collection(state, body, external && v6);
    }
    let subnet = subnet(state, what, body, external, v6, given.as_ref())?;
    let wish = Wish { what, external, v6, tier, subnet };
    let address = match &given {
        Some((address, Some(reserved))) => wish.reserved(state, *address, reserved)?,
        Some((address, None)) => wish.literal(state, *address)?,
        None => wish.ephemeral(state)?,
    };
    if v6 {
        body.insert("ipVersion".to_owned(), "IPV6".into());
    }
    Ok(if v6 { format!("{address}/96") } else { address.to_string() })
}

/// The address that is asked for, and the reservation of it, if it is reserved.
fn given(state: &State, what: &Reference, body: &Fields) -> Done<Option<(IpAddr, Option<Reference>)>> {
    let Some(given) = text(body, "IPAddress") else { return Ok(None) };
    let (bare, length) = given.split_once('/').unwrap_or((given, ""));
    if let Ok(address) = bare.parse::<IpAddr>() {
        let wanted = if address.is_ipv6() { "96" } else { "" };
        if length != wanted {
            return invalid("IPAddress", given, "Must be an IPv4 address or an IPv6 range with /96.");
        }
        let here = |it: &&Reference| it.kind == Kind::Address && it.place == what.place;
        return Ok(Some((address, state.store.holders(&address.to_string()).find(here).cloned())));
    }
    let named = (!given.contains('/')).then(|| what.place.at(Kind::Address, given));
    let Some(found) = named.or_else(|| Reference::parse(given)).filter(|it| it.kind == Kind::Address) else {
        return invalid("IPAddress", given, "Must be an address, or the name or the URL of a reserved one.");
    };
    let address = text(&state.referred("IPAddress", &found)?.body, "address").and_then(|it| it.parse().ok());
    match address {
        Some(address) if found.place == what.place => Ok(Some((address, Some(found)))),
        _ => invalid("IPAddress", given, "Must be in the project and the region of the forwarding rule."),
    }
}

/// An address of a range that the project brought along.
fn from_collection(state: &mut State, body: &mut Fields, external_v6: bool) -> Done<String> {
    absent(body, &["subnetwork", "IPAddress"], "Cannot be specified with ipCollection.")?;
    let given = text(body, "ipCollection").unwrap_or_default();
    if !external_v6 || !given.ends_with(IP_COLLECTION) {
        let why = "Must be a public delegated prefix in the region, of an external IPv6 forwarding rule.";
        return invalid("ipCollection", given, why);
    }
    body.insert("ipVersion".to_owned(), "IPV6".into());
    Ok(format!("{}/96", state.new_of_collection()))
}

/// The subnet of an internal rule or an external one of IPv6; with a reserved address, that of the address. Addresses of
/// a range that the project brought along are of no subnet.
fn subnet(
    state: &State,
    what: &Reference,
    body: &mut Fields,
    external: bool,
    v6: bool,
    given: Option<&(IpAddr, Option<Reference>)>,
) -> Done<Option<Subnet>> {
    if external && !v6 {
        absent(body, &["subnetwork", "network"], "Not for external IPv4 forwarding rules.")?;
        return Ok(None);
    }
    let reserved = given.and_then(|(_, reserved)| reserved.as_ref()).and_then(|it| state.store.get(it));
    let of_address = reserved.and_then(|record| text(&record.body, "subnetwork"));
    if external && reserved.is_some() && of_address.is_none() {
        absent(body, &["subnetwork"], "The address is of a public delegated prefix.")?;
        return Ok(None);
    }
    let Some(url) = text(body, "subnetwork").or(of_address).map(str::to_owned) else {
        return refuse(400, "required", "Required field 'resource.subnetwork' not specified");
    };
    let subnet = state.subnet(&url)?;
    check_region(what, &subnet)?;
    let network = text(body, "network").and_then(Reference::parse);
    if network.is_some_and(|network| Some(network) != Reference::parse(&subnet.network)) {
        return invalid("network", &subnet.network, "The subnet is in another network.");
    }
    default(body, "subnetwork", url);
    default(body, "network", subnet.network.clone());
    Ok(Some(subnet))
}

impl Wish<'_> {
    /// A reserved address.
    fn reserved(&self, state: &State, address: IpAddr, reserved: &Reference) -> Done<IpAddr> {
        let record = &state.referred("IPAddress", reserved)?.body;
        let field = "IPAddress";
        if (text(record, "addressType") == Some("EXTERNAL")) != self.external {
            return invalid(field, address, "Its address type does not go with the load balancing scheme.");
        }
        if self.external && Tier::parse(text(record, "networkTier"))? != self.tier {
            let why = "The network tier of external IP address is not that of the forwarding rule.";
            return invalid(field, address, why);
        }
        if self.external && self.v6 && text(record, "ipv6EndpointType") != Some("NETLB") {
            return invalid(field, address, "Its ipv6EndpointType is not NETLB.");
        }
        self.check_subnet(address)?;
        let rules = state.rules_at(&self.what.place, &address.to_string());
        let shared = text(record, "purpose") == Some("SHARED_LOADBALANCER_VIP");
        match rules.first() {
            Some(rule) if !self.external && !shared => in_use(address, rule),
            _ => Ok(address),
        }
    }

    /// An address that is not reserved. External ones must be; internal ones must be free.
    fn literal(&self, state: &State, address: IpAddr) -> Done<IpAddr> {
        self.check_subnet(address)?;
        let holder = state.store.holders(&address.to_string()).next();
        match (self.external, holder) {
            (true, Some(_)) => {
                let why = "Specified IP address is in-use and would result in a conflict.";
                invalid("IPAddress", address, why)
            }
            (true, None) => invalid("IPAddress", address, "Specified IP address is not reserved."),
            (false, Some(holder)) => in_use(address, holder),
            (false, None) => Ok(address),
        }
    }

    fn ephemeral(&self, state: &mut State) -> Done<IpAddr> {
        match (&self.subnet, &self.what.place.scope) {
            (Some(subnet), _) if self.v6 => state.new_v6(subnet, self.external),
            (Some(subnet), _) => state.new_internal_v4(subnet),
            (None, Scope::Region(region)) => Ok(state.new_external_v4(region, self.tier)),
            (None, scope) => unreachable!("forwarding rules are regional, not {scope:?}"),
        }
    }

    fn check_subnet(&self, address: IpAddr) -> Done<()> {
        let subnet = self.subnet.as_ref();
        subnet.map_or(Ok(()), |subnet| subnet.check_contains("IPAddress", address, self.external))
    }
}
