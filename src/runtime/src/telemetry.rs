//! Logs: `tracing` to standard error, as plain text or JSON, with a filter that can be changed while running.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Plain,
    /// One JSON object per line; the fields of the event lie beside `timestamp`, `level` and `target`.
    Json,
}

/// Why logs cannot be set up, or their filter not be changed.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// Neither `plain` nor `json`.
    #[error("log format {0:?} is not accepted: plain or json")]
    UnknownFormat(String),
    /// The filter does not say anything that can be understood.
    #[error(
        "log filter {filter:?} is not accepted: {reason}; a comma separated list of LEVEL or TARGET=LEVEL, such as \
         info,landfall_controller=debug, with the levels off, error, warn, info, debug, trace"
    )]
    BadFilter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Logs can be set up once per process.
    #[error("logs are set up already")]
    AlreadySet,
    /// The subscriber that the filter belonged to no longer exists.
    #[error("the log filter cannot be changed any more")]
    Gone,
}

impl FromStr for LogFormat {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            other => Err(TelemetryError::UnknownFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Json => "json",
        })
    }
}

/// Sets up logs for the whole process, to standard error. A second call is an error, never a panic.
pub fn init(format: LogFormat, filter: &str) -> Result<LogFilter, TelemetryError> {
    let colours = stderr().is_terminal();
    let (subscriber, filter) = subscriber(format, filter, stderr, colours)?;
    subscriber.try_init().map_err(|_| TelemetryError::AlreadySet)?;
    Ok(filter)
}

/// A handle on the filter of the running process. Clones share it.
#[derive(Clone, Debug)]
pub struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
    text: Arc<Mutex<String>>,
}

impl LogFilter {
    /// The filter in force, as it was given.
    pub fn get(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the filter. A bad one changes nothing.
    pub fn set(&self, filter: &str) -> Result<(), TelemetryError> {
        let parsed = parse_filter(filter)?;
        // Held over both, so that text and filter cannot come from two callers.
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        self.handle.reload(parsed).map_err(|_| TelemetryError::Gone)?;
        filter.trim().clone_into(&mut text);
        Ok(())
    }
}

/// A filter handle whose subscriber is kept out of the process, for tests of what uses one.
#[cfg(test)]
pub(crate) fn detached(format: LogFormat, filter: &str) -> Result<LogFilter, TelemetryError> {
    let (subscriber, filter) = subscriber(format, filter, std::io::sink, false)?;
    // The handle holds the subscriber weakly: it has to outlive the test.
    Box::leak(Box::new(subscriber));
    Ok(filter)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
    colours: bool,
) -> Result<(impl Subscriber + Send + Sync, LogFilter), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (layer, handle) = reload::Layer::new(parse_filter(filter)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match format {
        LogFormat::Plain => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let text = Arc::new(Mutex::new(filter.trim().to_owned()));
    Ok((Registry::default().with(layer).with(lines), LogFilter { handle, text }))
}

/// Stricter than [`EnvFilter`], which reads a lone word as a target: a mistyped level would silence everything else.
fn parse_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    let bad = |reason: String| TelemetryError::BadFilter { filter: filter.to_owned(), reason };
    let directives: Vec<&str> = filter.split(',').map(str::trim).collect();
    for directive in &directives {
        let is_level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        if !is_level && !directive.contains(['=', '[']) {
            return Err(bad(format!("{directive:?} is not a level")));
        }
    }
    EnvFilter::builder().parse(directives.join(",")).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use rstest::rstest;
    use serde_json::Value;
    use tracing::subscriber::with_default;

    use super::*;

    /// A writer that keeps what was written.
    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn captured(
        format: LogFormat,
        filter: &str,
    ) -> (impl Subscriber + Send + Sync + 'static, LogFilter, Captured) {
        let out = Captured::default();
        let writer = out.clone();
        let (subscriber, filter) = subscriber(format, filter, move || writer.clone(), false).unwrap();
        (subscriber, filter, out)
    }

    #[test]
    fn json_lines_carry_the_fields_beside_the_message() {
        let (subscriber, _filter, out) = captured(LogFormat::Json, "info");
        with_default(subscriber, || tracing::info!(service = "default/web", "address assigned"));
        let line: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(line["message"], "address assigned");
        assert_eq!(line["service"], "default/web");
        assert_eq!(line["level"], "INFO");
        assert!(line.get("fields").is_none(), "{line}");
    }

    #[test]
    fn plain_lines_are_text_without_colours() {
        let (subscriber, _filter, out) = captured(LogFormat::Plain, "info");
        with_default(subscriber, || tracing::warn!(attempt = 3, "slow"));
        let text = out.text();
        assert!(text.contains("WARN") && text.contains("slow attempt=3"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn the_filter_changes_at_run_time_and_a_bad_one_changes_nothing() {
        let (subscriber, filter, out) = captured(LogFormat::Plain, " info ");
        assert_eq!(filter.get(), "info");
        with_default(subscriber, || {
            tracing::debug!("before");
            filter.set("debug").unwrap();
            tracing::debug!("after");
            filter.set("loud").unwrap_err();
            tracing::debug!("still");
        });
        let text = out.text();
        assert!(!text.contains("before") && text.contains("after") && text.contains("still"), "{text}");
        assert_eq!(filter.get(), "debug");
    }

    #[rstest]
    #[case::empty("", "\"\" is not a level")]
    #[case::mistyped_level("inof", "\"inof\" is not a level")]
    #[case::mistyped_among_others("kube=debug,wran", "\"wran\" is not a level")]
    #[case::empty_directive("info,", "\"\" is not a level")]
    #[case::bad_level("landfall=loud", "error parsing level filter")]
    fn bad_filters_are_told(#[case] filter: &str, #[case] reason: &str) {
        let message = parse_filter(filter).unwrap_err().to_string();
        assert!(message.starts_with(&format!("log filter {filter:?} is not accepted: ")), "{message}");
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("TARGET=LEVEL"), "{message}");
    }

    #[rstest]
    #[case("info")]
    #[case("WARN,landfall_controller=debug, kube=off")]
    #[case("[reconcile{name}]=trace,info")]
    fn good_filters_are_accepted(#[case] filter: &str) {
        parse_filter(filter).unwrap();
    }

    #[rstest]
    #[case("plain", LogFormat::Plain)]
    #[case("json", LogFormat::Json)]
    fn formats_round_trip(#[case] text: &str, #[case] format: LogFormat) {
        assert_eq!(text.parse::<LogFormat>().unwrap(), format);
        assert_eq!(format.to_string(), text);
    }

    #[test]
    fn an_unknown_format_is_told() {
        let message = "yaml".parse::<LogFormat>().unwrap_err().to_string();
        assert_eq!(message, "log format \"yaml\" is not accepted: plain or json");
    }

    #[test]
    fn the_second_init_is_an_error() {
        // The only test that touches the process-wide subscriber; another runner may have set one before.
        let _ = init(LogFormat::Plain, "off");
        assert!(matches!(init(LogFormat::Plain, "off"), Err(TelemetryError::AlreadySet)));
    }
}
