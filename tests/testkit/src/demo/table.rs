//! The Services as text.

use std::time::Duration;

use crate::board::{Refusal, Row};

/// Name, type, addresses and ports; the time comes last. One line fits 80 columns.
const WIDTHS: [usize; 4] = [15, 12, 25, 13];

/// The line above the rows.
pub(crate) fn header() -> String {
    cells(["NAMESPACE/NAME", "TYPE", "EXTERNAL-IP", "PORT(S)", "TIME"])
}

/// One row, as `kubectl get service` would show it.
pub(crate) fn line(row: &Row) -> String {
    let addresses = if row.addresses.is_empty() { "<pending>".to_owned() } else { row.addresses.join(",") };
    let time = row.time_to_address().map(time).unwrap_or_default();
    cells([&row.name(), "LoadBalancer", &addresses, &row.ports, &time])
}

/// Why the Service has no address, in lines of at most `width` characters.
pub(crate) fn note(row: &Row, width: usize) -> Vec<String> {
    let Some(Refusal { reason, message }) = &row.refusal else { return Vec::new() };
    let told = row.time_to_refusal().map(|took| format!(" (told after {})", time(took))).unwrap_or_default();
    wrapped(&format!("{}{told}: {reason}: {message}", row.name()), width)
}

/// Three digits at most: `840 µs` would suggest a precision that one sample does not have.
pub(crate) fn time(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "<1 ms".to_owned(),
        milliseconds @ 1..1_000 => format!("{milliseconds} ms"),
        _ if duration < Duration::from_secs(100) => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} s", duration.as_secs()),
    }
}

/// Cells in columns. What is too long for its column moves the next ones to the right.
fn cells(cells: [&str; 5]) -> String {
    let widths = WIDTHS.iter().chain(&[0]);
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    padded.join("  ").trim_end().to_owned()
}

/// Breaks between words; what follows the first line is indented. A longer word gets a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("    {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::board::Board;
    use crate::events::Event;

    fn row(status: &Value) -> Row {
        let service = json!({
            "metadata": {"name": "dual", "namespace": "infra"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 443, "protocol": "TCP"}]},
            "status": status,
        });
        let mut board = Board::default();
        let start = Instant::now();
        let mut empty = service.clone();
        empty["status"] = json!({});
        for (at, value) in [(0, empty), (7, service)] {
            let seen = Event::Seen(Box::new(serde_json::from_value(value).unwrap()));
            board.apply(start + Duration::from_millis(at), &seen);
        }
        board.rows().next().unwrap().clone()
    }

    fn refused() -> Row {
        row(&json!({"conditions": [{
            "type": "landfall.dev/Accepted", "status": "False", "reason": "AddressNotInPool",
            "message": "the requested address 198.51.100.7 is in no AddressPool",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]}))
    }

    #[test]
    fn a_served_row() {
        let row =
            row(&json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.3"}, {"ip": "2001:db8:1::100"}]}}));
        assert_eq!(header(), "NAMESPACE/NAME   TYPE          EXTERNAL-IP                PORT(S)        TIME");
        assert_eq!(
            line(&row),
            "infra/dual       LoadBalancer  192.0.2.3,2001:db8:1::100  443/TCP        7 ms"
        );
        assert!(note(&row, 80).is_empty());
    }

    #[test]
    fn a_refused_row() {
        let row = refused();
        assert_eq!(line(&row), "infra/dual       LoadBalancer  <pending>                  443/TCP");
        assert_eq!(
            note(&row, 60),
            [
                "infra/dual (told after 7 ms): AddressNotInPool: the",
                "    requested address 198.51.100.7 is in no AddressPool",
            ]
        );
    }

    #[test]
    fn a_cell_that_is_too_long_stays_apart_from_the_next() {
        assert_eq!(cells(["a-name-that-is-far-too-long", "b", "", "", ""]), "a-name-that-is-far-too-long  b");
    }

    #[rstest]
    #[case(Duration::from_micros(840), "<1 ms")]
    #[case(Duration::from_micros(1_999), "1 ms")]
    #[case(Duration::from_millis(999), "999 ms")]
    #[case(Duration::from_secs(1), "1.0 s")]
    #[case(Duration::from_millis(12_345), "12.3 s")]
    #[case(Duration::from_hours(1), "3600 s")]
    fn times(#[case] duration: Duration, #[case] text: &str) {
        assert_eq!(time(duration), text);
    }

    #[rstest]
    #[case("", 10, &[])]
    #[case("one two", 7, &["one two"])]
    #[case("one two", 6, &["one", "    two"])]
    #[case("extraordinary", 5, &["extraordinary"])]
    fn wrapping(#[case] text: &str, #[case] width: usize, #[case] lines: &[&str]) {
        assert_eq!(wrapped(text, width), lines);
    }
}
