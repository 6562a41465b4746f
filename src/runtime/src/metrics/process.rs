//! `process_*` metrics, read from `/proc/self` at each scrape.

use std::fmt;
use std::fs;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Start time, resident memory and open files of this process.
///
/// What the system does not tell (no `/proc`, no permission) is left out of the scrape, never exported as 0.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    started: Timestamp,
}

impl ProcessCollector {
    pub(super) fn started_now() -> Self {
        Self { started: Timestamp::now() }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let started = ConstGauge::new(self.started.as_second());
        let help = "Unix time at which the process started";
        let descriptor = encoder.encode_descriptor(
            "process_start_time",
            help,
            Some(&Unit::Seconds),
            started.metric_type(),
        )?;
        started.encode(descriptor)?;

        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes)
        {
            let resident = ConstGauge::new(bytes);
            let help = "Resident memory of the process";
            let (name, unit) = ("process_resident_memory", Some(&Unit::Bytes));
            resident.encode(encoder.encode_descriptor(name, help, unit, resident.metric_type())?)?;
        }

        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            let open = ConstGauge::new(i64::try_from(entries.count()).unwrap_or(i64::MAX));
            let help = "Open file descriptors of the process";
            open.encode(encoder.encode_descriptor("process_open_fds", help, None, open.metric_type())?)?;
        }
        Ok(())
    }
}

/// `VmRSS` of `/proc/self/status` in bytes; the file gives kibibytes (proc(5)).
fn resident_bytes(status: &str) -> Option<i64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::usual("Name:\tx\nVmRSS:\t   2048 kB\nThreads:\t1\n", Some(2_097_152))]
    #[case::kernel_thread("Name:\tx\nThreads:\t1\n", None)]
    #[case::other_unit("VmRSS:\t 2 MB\n", None)]
    #[case::overflow("VmRSS:\t 9223372036854775807 kB\n", None)]
    fn resident_memory_is_parsed(#[case] status: &str, #[case] expected: Option<i64>) {
        assert_eq!(resident_bytes(status), expected);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_scrape_tells_start_time_memory_and_files() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector { started: Timestamp::UNIX_EPOCH }));
        let mut out = String::new();
        text::encode(&mut out, &registry).unwrap();
        assert!(out.contains("process_start_time_seconds 0\n"), "{out}");
        assert!(out.contains("process_resident_memory_bytes "), "{out}");
        assert!(out.contains("process_open_fds "), "{out}");
    }
}
