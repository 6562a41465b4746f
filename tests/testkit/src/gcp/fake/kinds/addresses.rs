//! Reserved regional addresses.

use std::net::IpAddr;

use landfall_gcp::api::{Kind, Reference, Scope};

use super::super::json::{Fields, absent, default, flag, text, word};
use super::super::pools::{Subnet, Tier};
use super::super::refused::{Done, invalid, refuse};
use super::super::seed::IP_COLLECTION;
use super::super::state::State;

/// Checks a new address, and finds one if none is asked for. Asking for one that a forwarding rule uses makes that
/// one permanent.
pub(super) fn complete(state: &mut State, what: &Reference, body: &mut Fields) -> Done<()> {
    let external = word(body, "addressType", &["EXTERNAL", "INTERNAL"])? == "EXTERNAL";
    let v6 = word(body, "ipVersion", &["IPV4", "IPV6"])? == "IPV6";
    let tier = Tier::parse(text(body, "networkTier"))?;
    default(body, "networkTier", tier.word());
    if tier == Tier::Standard && (v6 || !external) {
        return invalid(
            "networkTier",
            tier.word(),
            "Only external IPv4 addresses can be of the standard tier.",
        );
    }
    let subnet = text(body, "subnetwork").map(|given| state.subnet(given)).transpose()?;
    let asked = asked(body, v6)?;
    let address = if external {
        external_address(state, what, body, (tier, v6), subnet.as_ref(), asked)?
    } else {
        internal_address(state, what, body, v6, subnet.as_ref(), asked)?
    };
    body.insert("address".to_owned(), address.to_string().into());
    if v6 {
        body.insert("prefixLength".to_owned(), 96.into());
    }
    Ok(())
}

fn asked(body: &Fields, v6: bool) -> Done<Option<IpAddr>> {
    if let Some(length) = body.get("prefixLength").filter(|length| !v6 || **length != 96) {
        return invalid("prefixLength", length, "Supported here: 96, of IPv6 addresses.");
    }
    let Some(given) = text(body, "address") else { return Ok(None) };
    match given.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == v6 => Ok(Some(address)),
        _ => invalid("address", given, "Must be an address of the ipVersion, without a prefix length."),
    }
}

fn external_address(
    state: &mut State,
    what: &Reference,
    body: &Fields,
    (tier, v6): (Tier, bool),
    subnet: Option<&Subnet>,
    asked: Option<IpAddr>,
) -> Done<IpAddr> {
    absent(body, &["purpose"], "Cannot be specified for external addresses.")?;
    if v6 {
        let endpoint = text(body, "ipv6EndpointType").unwrap_or_default();
        if endpoint != "NETLB" && endpoint != "VM" {
            return invalid("ipv6EndpointType", endpoint, "External IPv6 addresses need VM or NETLB.");
        }
    } else {
        absent(body, &["subnetwork", "ipv6EndpointType"], "Not for external IPv4 addresses.")?;
    }
    if let Some(given) = text(body, "ipCollection") {
        return of_collection(state, body, v6, asked, given);
    }
    if let Some(asked) = asked {
        return promoted(state, what, tier, asked);
    }
    match (&what.place.scope, subnet, v6) {
        (_, Some(subnet), true) => state.new_v6(subnet, true),
        (_, None, true) => refuse(400, "required", "Required field 'resource.subnetwork' not specified"),
        (Scope::Region(region), ..) => Ok(state.new_external_v4(region, tier)),
        (scope, ..) => unreachable!("addresses are regional, not {scope:?}"),
    }
}

/// A new address of a range that the project brought along. One that is in use is made permanent without naming the range.
fn of_collection(
    state: &mut State,
    body: &Fields,
    v6: bool,
    asked: Option<IpAddr>,
    given: &str,
) -> Done<IpAddr> {
    absent(body, &["subnetwork"], "Cannot be specified with ipCollection.")?;
    if !v6 || !given.ends_with(IP_COLLECTION) {
        let why = "Must be a public delegated prefix in the region, for an external IPv6 address.";
        return invalid("ipCollection", given, why);
    }
    let Some(asked) = asked else { return Ok(state.new_of_collection()) };
    match state.store.holders(&asked.to_string()).next() {
        Some(holder) => invalid("address", asked, &format!("It is used by {holder}.")),
        None => Ok(asked),
    }
}

/// An external address that is asked for: the ephemeral one of a forwarding rule of this region.
fn promoted(state: &State, what: &Reference, tier: Tier, asked: IpAddr) -> Done<IpAddr> {
    let text_of = asked.to_string();
    if state.store.holders(&text_of).any(|holder| holder.kind == Kind::Address) {
        // Facts: the two families are told apart by the status alone.
        return match asked {
            IpAddr::V4(_) => invalid("address", asked, "Specified IP address is already reserved."),
            IpAddr::V6(_) => {
                refuse(412, "conditionNotMet", format!("IP address '{asked}' is already reserved."))
            }
        };
    }
    let rules = state.rules_at(&what.place, &text_of);
    let Some(rule) = rules.first().and_then(|rule| state.store.get(rule)) else {
        return invalid("address", asked, "Specified IP address is not one that the project uses.");
    };
    if Tier::parse(text(&rule.body, "networkTier"))? != tier {
        return invalid(
            "networkTier",
            tier.word(),
            "The network tier of specified IP address is another one.",
        );
    }
    Ok(asked)
}

fn internal_address(
    state: &mut State,
    what: &Reference,
    body: &mut Fields,
    v6: bool,
    subnet: Option<&Subnet>,
    asked: Option<IpAddr>,
) -> Done<IpAddr> {
    let purpose = word(body, "purpose", &["GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP"])?;
    absent(body, &["network", "ipv6EndpointType"], "Not for internal addresses in a subnet.")?;
    let Some(subnet) = subnet else {
        return refuse(400, "required", "Required field 'resource.subnetwork' not specified");
    };
    check_region(what, subnet)?;
    let Some(asked) = asked else {
        return if v6 { state.new_v6(subnet, false) } else { state.new_internal_v4(subnet) };
    };
    subnet.check_contains("address", asked, false)?;
    let promotable = |holder: &Reference| {
        holder.kind == Kind::ForwardingRule && holder.place == what.place && purpose == "GCE_ENDPOINT"
    };
    match state.store.holders(&asked.to_string()).find(|holder| !promotable(holder)) {
        None => Ok(asked),
        Some(holder) => in_use(asked, holder),
    }
}

/// An internal address that something else has.
pub(super) fn in_use<T>(address: IpAddr, holder: &Reference) -> Done<T> {
    let message = format!("IP '{address}' is already being used by another resource '{holder}'.");
    refuse(409, "IP_IN_USE_BY_ANOTHER_RESOURCE", message)
}

/// Refuses a subnet of another region.
pub(super) fn check_region(what: &Reference, subnet: &Subnet) -> Done<()> {
    if subnet.what.place.scope == what.place.scope {
        return Ok(());
    }
    invalid("subnetwork", &subnet.what, "Must be in the same region.")
}

/// Whether a flag of an internal load balancer is set on one that is not.
pub(super) fn check_global_access(body: &Fields, external: bool) -> Done<()> {
    if external && flag(body, "allowGlobalAccess") {
        return invalid("allowGlobalAccess", true, "Supported for the load balancing scheme INTERNAL only.");
    }
    Ok(())
}
