//! Reads the text of one annotation or class parameter. An error says what is accepted; the caller adds key and value.

use std::ops::RangeInclusive;

use landfall_core::annotations;

/// A value, or a sentence that says what is accepted.
pub(super) type Parsed<T> = Result<T, String>;

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    word(text, &[("true", true), ("false", false)])
}

/// One of a few words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Parsed<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let accepted: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}", accepted.join(" or "))
    })
}

/// A whole number within bounds, in digits.
pub(super) fn number(text: &str, range: &RangeInclusive<u16>) -> Parsed<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| bounds(range)).and_then(|number| within(number, range))
}

/// A number within bounds.
pub(super) fn within(number: u16, range: &RangeInclusive<u16>) -> Parsed<u16> {
    if range.contains(&number) { Ok(number) } else { Err(bounds(range)) }
}

fn bounds(range: &RangeInclusive<u16>) -> String {
    format!("must be a whole number, {} to {}", range.start(), range.end())
}

/// A comma separated list of one to `most` items, none of them twice.
pub(super) fn list(text: &str, most: usize, item: impl Fn(&str) -> Parsed<String>) -> Parsed<Vec<String>> {
    let items: Vec<String> = annotations::list(text).map(str::to_owned).collect();
    if items.is_empty() {
        return Err("must list at least one value, comma separated".to_owned());
    }
    check_list(&items, most, item)?;
    Ok(items)
}

/// Whether a list has at most `most` items, none of them twice.
pub(super) fn check_list(items: &[String], most: usize, item: impl Fn(&str) -> Parsed<String>) -> Parsed<()> {
    for (index, one) in items.iter().enumerate() {
        item(one).map_err(|accepted| format!("{one:?} {accepted}"))?;
        if items.iter().take(index).any(|other| other == one) {
            return Err(format!("{one:?} is listed twice"));
        }
    }
    if items.len() > most {
        return Err(format!("{} are listed: must be at most {most}", items.len()));
    }
    Ok(())
}

/// A comma separated map of `key=value`.
pub(super) fn map(text: &str) -> Parsed<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for item in annotations::list(text) {
        let (key, value) =
            item.split_once('=').ok_or_else(|| format!("{item:?} must be key=value, comma separated"))?;
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(format!("{key:?} is given twice"));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// A name as Compute Engine takes it (RFC 1035 label).
pub(super) fn name(text: &str) -> Parsed<String> {
    let first = text.starts_with(|first: char| first.is_ascii_lowercase());
    let rest = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if first && rest && text.len() <= 63 && !text.ends_with('-') {
        Ok(text.to_owned())
    } else {
        Err("must be a name: up to 63 lower-case letters, digits and -, a letter first and no - at the end"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("true", Some(true))]
    #[case("false", Some(false))]
    #[case("True", None)]
    #[case("1", None)]
    #[case("", None)]
    fn booleans(#[case] text: &str, #[case] want: Option<bool>) {
        assert_eq!(boolean(text).ok(), want);
    }

    #[rstest]
    #[case("1", Some(1))]
    #[case("300", Some(300))]
    #[case("0", None)]
    #[case("301", None)]
    #[case("+7", None)]
    #[case("70000", None)]
    #[case("", None)]
    fn numbers(#[case] text: &str, #[case] want: Option<u16>) {
        let read = number(text, &(1..=300));
        assert_eq!(read.clone().ok(), want);
        assert!(read.is_ok() || read.unwrap_err().contains("1 to 300"));
    }

    #[rstest]
    #[case("a", Ok(1))]
    #[case(" a , b,, ", Ok(2))]
    #[case("", Err("at least one"))]
    #[case(" , ", Err("at least one"))]
    #[case("a,b,c", Err("at most 2"))]
    #[case("a,a", Err("twice"))]
    #[case("a,B", Err("\"B\" must be a name"))]
    fn lists(#[case] text: &str, #[case] want: Result<usize, &str>) {
        match (list(text, 2, name), want) {
            (Ok(items), Ok(count)) => assert_eq!(items.len(), count),
            (Err(message), Err(word)) => assert!(message.contains(word), "{message}"),
            (read, _) => panic!("{read:?}"),
        }
    }

    #[rstest]
    #[case("a=1,b=", Ok(2))]
    #[case("a=1=2", Ok(1))]
    #[case("", Ok(0))]
    #[case("a", Err("key=value"))]
    #[case("a=1,a=1", Err("twice"))]
    fn maps(#[case] text: &str, #[case] want: Result<usize, &str>) {
        match (map(text), want) {
            (Ok(pairs), Ok(count)) => assert_eq!(pairs.len(), count),
            (Err(message), Err(word)) => assert!(message.contains(word), "{message}"),
            (read, _) => panic!("{read:?}"),
        }
    }

    #[rstest]
    #[case("a", true)]
    #[case("web-1", true)]
    #[case("1web", false)]
    #[case("web-", false)]
    #[case("Web", false)]
    #[case("we_b", false)]
    #[case("", false)]
    fn names(#[case] text: &str, #[case] good: bool) {
        assert_eq!(name(text).is_ok(), good);
    }

    proptest! {
        #[test]
        fn names_are_those_of_the_api(text in "[a-zA-Z0-9_-]{0,70}") {
            let first = text.chars().next().is_some_and(|c| c.is_ascii_lowercase());
            let last = text.chars().last().is_some_and(|c| c != '-');
            let plain = !text.contains(|c: char| c.is_ascii_uppercase() || c == '_');
            prop_assert_eq!(name(&text).is_ok(), first && last && plain && text.len() < 64);
        }
    }
}
