//! How flag values are read. Every error says what is accepted; clap adds the flag and the value.

use std::time::Duration;

use jiff::SignedDuration;

/// The most a duration may be: a year.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A duration of at least `least` (`90s`, `10m`, `1h30m`), at most a year.
pub(crate) fn duration_from(
    least: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let parsed = text.trim().parse::<SignedDuration>().ok();
        let parsed = parsed.and_then(|duration| Duration::try_from(duration).ok());
        parsed.filter(|duration| (least..=LONGEST).contains(duration)).ok_or_else(|| {
            format!(
                "accepted is a duration from {least:?} to one year with its unit, such as 90s, 10m or 1h30m"
            )
        })
    }
}

/// The name of a namespace (RFC 1123 label).
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = !text.starts_with('-') && !text.ends_with('-');
    if (1..=63).contains(&text.len()) && text.bytes().all(allowed) && edges {
        return Ok(text.to_owned());
    }
    Err("accepted are 1 to 63 characters: lower-case letters, digits and '-', beginning and ending with a letter or \
         digit"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("10s", Some(10))]
    #[case("10m", Some(600))]
    #[case("1h30m", Some(5_400))]
    #[case("1h 30m", Some(5_400))]
    #[case(" 20s ", Some(20))]
    #[case("9s", None)]
    #[case("-10m", None)]
    #[case("600", None)]
    #[case("", None)]
    #[case("ten minutes", None)]
    #[case("9000h", None)]
    fn durations(#[case] text: &str, #[case] seconds: Option<u64>) {
        let read = duration_from(Duration::from_secs(10))(text);
        assert_eq!(read.as_ref().ok().copied(), seconds.map(Duration::from_secs), "{read:?}");
        if let Err(error) = read {
            assert!(error.contains("from 10s"), "{error}");
        }
    }

    #[rstest]
    #[case("default", true)]
    #[case("a-1", true)]
    #[case("", false)]
    #[case("-a", false)]
    #[case("a-", false)]
    #[case("Shop", false)]
    #[case("a.b", false)]
    #[case(&"a".repeat(64), false)]
    fn namespaces(#[case] text: &str, #[case] good: bool) {
        assert_eq!(namespace(text).is_ok(), good);
    }
}
