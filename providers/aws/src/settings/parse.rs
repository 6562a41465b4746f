//! Reads the text of one annotation. An error says what is accepted; the caller adds key and value.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use landfall_core::annotations;

/// A value, or a sentence that says what is accepted.
pub(super) type Parsed<T> = Result<T, String>;

/// The booleans that Go's `strconv.ParseBool` takes, which is what the other controllers read them with.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// `on` or `off`.
pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

/// A whole number within bounds.
pub(super) fn number<T>(text: &str, range: &RangeInclusive<T>) -> Parsed<T>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<T>().ok().filter(|number| digits && range.contains(number));
    number.ok_or_else(|| format!("must be a whole number, {} to {}", range.start(), range.end()))
}

/// A port number.
pub(super) fn port(text: &str) -> Parsed<u16> {
    number(text, &(1..=u16::MAX))
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Parsed<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let accepted: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}", either(&accepted))
    })
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => "empty".to_owned(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

/// A comma separated list of at least one item, none of them twice. `item` reads one.
pub(super) fn list<T: PartialEq>(text: &str, item: impl Fn(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    let mut items = Vec::new();
    for part in annotations::list(text) {
        let read = item(part).map_err(|accepted| format!("{part:?} {accepted}"))?;
        if items.contains(&read) {
            return Err(format!("{part:?} is listed twice"));
        }
        items.push(read);
    }
    if items.is_empty() { Err("must list at least one value, comma separated".to_owned()) } else { Ok(items) }
}

/// A comma separated map of `key=value`; a backslash before a comma makes it part of the value. A bare key has no value.
pub(super) fn loose_map(text: &str) -> Parsed<Vec<(String, Option<String>)>> {
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for item in unescaped_items(text) {
        let item = item.trim();
        if item.is_empty() {
            continue;
        }
        let (key, value) = match item.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim().to_owned())),
            None => (item, None),
        };
        if key.is_empty() {
            return Err(format!("{item:?} has no key: must be key=value, comma separated"));
        }
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(format!("{key:?} is given twice"));
        }
        pairs.push((key.to_owned(), value));
    }
    Ok(pairs)
}

/// As [`loose_map`], but every key has a value.
pub(super) fn map(text: &str) -> Parsed<Vec<(String, String)>> {
    let pair = |(key, value): (String, Option<String>)| match value {
        Some(value) => Ok((key, value)),
        None => Err(format!("{key:?} has no value: must be key=value, comma separated")),
    };
    loose_map(text)?.into_iter().map(pair).collect()
}

fn unescaped_items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let next = match char {
            '\\' if chars.peek() == Some(&',') => chars.next(),
            ',' => {
                items.push(String::new());
                continue;
            }
            other => Some(other),
        };
        if let (Some(item), Some(next)) = (items.last_mut(), next) {
            item.push(next);
        }
    }
    items
}

/// A prefix and lower-case hexadecimal digits, e.g. `eipalloc-0a1b`.
pub(super) fn aws_id(text: &str, prefix: &str) -> Parsed<String> {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    let hex = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex { Ok(text.to_owned()) } else { Err(format!("must be an id such as {prefix}0123456789abcdef0")) }
}

/// An IPv4 address.
pub(super) fn ipv4(text: &str) -> Parsed<Ipv4Addr> {
    text.parse().map_err(|_| "must be an IPv4 address".to_owned())
}

/// An IPv6 address.
pub(super) fn ipv6(text: &str) -> Parsed<Ipv6Addr> {
    text.parse().map_err(|_| "must be an IPv6 address".to_owned())
}

/// The parts of `arn:partition:service:region:account:resource`, the resource as a whole.
pub(super) struct Arn<'a> {
    /// E.g. `acm`.
    pub(super) service: &'a str,
    /// Empty for global services.
    pub(super) region: &'a str,
    /// E.g. `certificate/0123`.
    pub(super) resource: &'a str,
}

/// An ARN with a partition, an account of twelve digits and a resource.
pub(super) fn arn(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let (scheme, partition, service) = (next()?, next()?, next()?);
    let (region, account, resource) = (next()?, next()?, next()?);
    let account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let plain = !text.contains(|char: char| char.is_whitespace() || char == ',');
    let whole = scheme == "arn" && partition.starts_with("aws") && account && plain && !resource.is_empty();
    whole.then_some(Arn { service, region, resource })
}

#[cfg(test)]
mod tests;
