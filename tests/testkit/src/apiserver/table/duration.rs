//! Ages in the short form of `kubectl`: two units at most, fewer the older it is.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Seconds as `kubectl` shows them: `119s`, `2m3s`, `119m`, `3h5m`, `47h`, `2d4h`, `300d`, `2y10d`.
///
/// The steps are those of `HumanDuration` in `k8s.io/apimachinery/pkg/util/duration`. One second in the future
/// counts as now, because clocks differ; more is `<invalid>`.
pub fn human(seconds: i64) -> String {
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        _ if seconds < 2 * MINUTE => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE => two_units(seconds, (MINUTE, "m"), (1, "s")),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => two_units(seconds, (HOUR, "h"), (MINUTE, "m")),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ if seconds < 8 * DAY => two_units(seconds, (DAY, "d"), (HOUR, "h")),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => two_units(seconds, (YEAR, "y"), (DAY, "d")),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// The age of an RFC 3339 time. Absent is `<unknown>`, as `kubectl` says; unreadable is `<invalid>`.
pub(super) fn since(time: Option<&str>, now: Timestamp) -> String {
    match time.map(str::parse::<Timestamp>) {
        None => "<unknown>".to_owned(),
        Some(Err(_)) => "<invalid>".to_owned(),
        // Truncation toward zero, like Go's `int(d.Seconds())`.
        Some(Ok(then)) => human(now.duration_since(then).as_secs()),
    }
}

fn two_units(seconds: i64, (large, large_name): (i64, &str), (small, small_name): (i64, &str)) -> String {
    match seconds % large / small {
        0 => format!("{}{large_name}", seconds / large),
        rest => format!("{}{large_name}{rest}{small_name}", seconds / large),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(-2, "<invalid>")]
    #[case(-1, "0s")]
    #[case(0, "0s")]
    #[case(5, "5s")]
    #[case(119, "119s")]
    #[case(120, "2m")]
    #[case(123, "2m3s")]
    #[case(9 * MINUTE + 59, "9m59s")]
    #[case(10 * MINUTE + 59, "10m")]
    #[case(119 * MINUTE, "119m")]
    #[case(3 * HOUR - 1, "179m")]
    #[case(3 * HOUR, "3h")]
    #[case(3 * HOUR + 5 * MINUTE + 59, "3h5m")]
    #[case(8 * HOUR + 59 * MINUTE, "8h")]
    #[case(47 * HOUR + 3599, "47h")]
    #[case(2 * DAY, "2d")]
    #[case(2 * DAY + 4 * HOUR, "2d4h")]
    #[case(8 * DAY + 23 * HOUR, "8d")]
    #[case(300 * DAY, "300d")]
    #[case(729 * DAY, "729d")]
    #[case(2 * YEAR, "2y")]
    #[case(2 * YEAR + 10 * DAY, "2y10d")]
    #[case(8 * YEAR + 300 * DAY, "8y")]
    fn steps(#[case] seconds: i64, #[case] want: &str) {
        assert_eq!(human(seconds), want);
    }

    #[test]
    fn an_age_needs_a_readable_time() -> Result<(), jiff::Error> {
        let now: Timestamp = "2026-01-01T00:02:03Z".parse()?;
        assert_eq!(since(Some("2026-01-01T00:00:00Z"), now), "2m3s");
        assert_eq!(since(Some("2026-01-01T00:00:00.500000Z"), now), "2m2s");
        assert_eq!(since(None, now), "<unknown>");
        assert_eq!(since(Some("yesterday"), now), "<invalid>");
        Ok(())
    }
}
