//! Forms of names, numbers and addresses (`apimachinery/pkg/util/validation`). Each check returns the complaints.

use std::net::IpAddr;

use ipnet::IpNet;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// A DNS label of RFC 1123, lower case, up to 63 bytes.
pub(super) fn dns_label(value: &str) -> Vec<String> {
    complaints([(value.len() > 63, too_long(63)), (!is_label(value), LABEL.to_owned())])
}

/// Labels joined by dots, up to 253 bytes.
pub(super) fn dns_subdomain(value: &str) -> Vec<String> {
    complaints([(value.len() > 253, too_long(253)), (!value.split('.').all(is_label), SUBDOMAIN.to_owned())])
}

/// `[prefix/]name`, as for label keys, classes and application protocols.
pub(super) fn qualified_name(value: &str) -> Vec<String> {
    let (prefix, name) = match value.split('/').collect::<Vec<_>>()[..] {
        [name] => (None, name),
        [prefix, name] => (Some(prefix), name),
        _ => {
            let rest = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a qualified name {QUALIFIED} {rest}")];
        }
    };
    let mut found = match prefix {
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => dns_subdomain(prefix).into_iter().map(|text| format!("prefix part {text}")).collect(),
        None => Vec::new(),
    };
    found.extend(complaints([
        (name.is_empty(), "name part must be non-empty".to_owned()),
        (name.len() > 63, format!("name part {}", too_long(63))),
        (!is_token(name), format!("name part {QUALIFIED}")),
    ]));
    found
}

/// The value of a label or selector.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let malformed = !value.is_empty() && !is_token(value);
    complaints([(value.len() > 63, too_long(63)), (malformed, LABEL_VALUE.to_owned())])
}

/// 1 to 65535.
pub(super) fn port_number(value: i32) -> Vec<String> {
    complaints([(!(1..=65535).contains(&value), "must be between 1 and 65535, inclusive".to_owned())])
}

/// A service name of RFC 6335.
pub(super) fn port_name(value: &str) -> Vec<String> {
    let strange = !value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let edge = value.starts_with('-') || value.ends_with('-');
    complaints(
        [
            (value.len() > 15, "must be no more than 15 characters"),
            (strange, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
            (!value.bytes().any(|b| b.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
            (value.contains("--"), "must not contain consecutive hyphens"),
            (edge, "must not begin or end with a hyphen"),
        ]
        .map(|(wrong, text)| (wrong, text.to_owned())),
    )
}

/// An address in the strict form new values need since 1.36 (`StrictIPCIDRValidation`).
pub(super) fn ip(value: &str) -> Vec<String> {
    let text = match (value.parse::<IpAddr>(), without_leading_zeros(value).parse::<IpAddr>()) {
        (Ok(IpAddr::V6(v6)), _) if v6.to_ipv4_mapped().is_some() => "must not be an IPv4-mapped IPv6 address",
        (Ok(_), _) => return Vec::new(),
        (Err(_), Ok(_)) => "must not have leading 0s",
        (Err(_), Err(_)) => "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
    };
    vec![text.to_owned()]
}

/// A network in the strict form new values need since 1.36.
pub(super) fn cidr(value: &str) -> Vec<String> {
    let malformed = || vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()];
    let Some((address, bits)) = value.split_once('/') else { return malformed() };
    let plain_bits = bits.trim_start_matches('0');
    let plain_bits = if plain_bits.is_empty() && !bits.is_empty() { "0" } else { plain_bits };
    let plain = format!("{}/{plain_bits}", without_leading_zeros(address));
    let Ok(parsed) = plain.parse::<IpNet>() else { return malformed() };
    let mapped = matches!(parsed.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    complaints(
        [
            (address.parse::<IpAddr>().is_err(), "must not have leading 0s in IP"),
            (plain_bits != bits, "must not have leading 0s in prefix length"),
            (mapped, "must not have an IPv4-mapped IPv6 address"),
            (!mapped && parsed != parsed.trunc(), "must not have bits set beyond the prefix length"),
        ]
        .map(|(wrong, text)| (wrong, text.to_owned())),
    )
}

/// Addresses that never lead to another host.
pub(super) fn endpoint_ip(value: &str) -> Vec<String> {
    let Ok(ip) = value.parse::<IpAddr>() else { return Vec::new() };
    let (link_local, multicast) = match ip {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    complaints([
        (ip.is_unspecified(), format!("may not be unspecified ({value})")),
        (ip.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()),
    ])
}

fn complaints<const N: usize>(checks: [(bool, String); N]) -> Vec<String> {
    checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, text)| text).collect()
}

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

fn is_label(value: &str) -> bool {
    let inner = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    inner && !value.is_empty() && !value.starts_with('-') && !value.ends_with('-')
}

fn is_token(value: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    let inner = bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    inner && edge(bytes.first()) && edge(bytes.last())
}

/// `010.0.0.1` as `10.0.0.1`; other texts as they are.
fn without_leading_zeros(value: &str) -> String {
    let strip = |part: &str| {
        let bare = part.trim_start_matches('0');
        if bare.is_empty() && !part.is_empty() { "0".to_owned() } else { bare.to_owned() }
    };
    if value.contains(':') {
        value.to_owned()
    } else {
        value.split('.').map(strip).collect::<Vec<_>>().join(".")
    }
}
