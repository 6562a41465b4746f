//! Figures and how they are printed.

use std::io::{Stdout, Write};
use std::time::Duration;

use anyhow::Result;

/// One line of the report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    name: &'static str,
    value: String,
}

impl Figure {
    /// A duration in milliseconds.
    pub(crate) fn millis(name: &'static str, value: Duration) -> Self {
        Self { name, value: format!("{:.1} ms", value.as_secs_f64() * 1_000.0) }
    }

    /// A count.
    pub(crate) fn count(name: &'static str, value: impl std::fmt::Display) -> Self {
        Self { name, value: value.to_string() }
    }

    /// A size, given in KiB.
    pub(crate) fn mebibytes(name: &'static str, kib: u64) -> Self {
        Self { name, value: format!("{}.{} MiB", kib / 1_024, kib % 1_024 * 10 / 1_024) }
    }
}

/// Median, 99th percentile and maximum.
pub(crate) fn spread(mut times: Vec<Duration>) -> Vec<Figure> {
    times.sort_unstable();
    let at = |per_mille: usize| {
        times.get((times.len().saturating_sub(1)) * per_mille / 1_000).copied().unwrap_or_default()
    };
    vec![
        Figure::count("Services", times.len()),
        Figure::millis("median", at(500)),
        Figure::millis("p99", at(990)),
        Figure::millis("maximum", at(1_000)),
    ]
}

/// The table of a run. A scenario's rows are printed when it ends, so that a run that fails later is not for nothing.
#[derive(Debug)]
pub(crate) struct Report {
    out: Stdout,
}

impl Report {
    /// Prints the head of the table.
    pub(crate) fn begin() -> Result<Self> {
        let out = std::io::stdout();
        writeln!(out.lock(), "| scenario | figure | value |\n|---|---|---|")?;
        Ok(Self { out })
    }

    /// Prints the figures of a scenario.
    pub(crate) fn add(&self, scenario: &str, figures: &[Figure]) -> Result<()> {
        let mut out = self.out.lock();
        for figure in figures {
            writeln!(out, "| {scenario} | {} | {} |", figure.name, figure.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_a_hundred() {
        let times = (1..=100).rev().map(Duration::from_millis).collect();
        let texts: Vec<String> = spread(times).into_iter().map(|figure| figure.value).collect();
        assert_eq!(texts, ["100", "50.0 ms", "99.0 ms", "100.0 ms"]);
        assert_eq!(spread(Vec::new())[1].value, "0.0 ms");
    }
}
