//! Metrics of the process itself. A name is API: dashboards and alerts stand on it.

use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::RuntimeError;

/// Gauge, always 1. Labels `version`, `role`. Join with it to see which versions run.
pub const BUILD_INFO: &str = "sarafan_build_info";

/// Gauge per `condition`: 1 while it holds, 0 while it does not. Alert when 0 for minutes: the instance does not serve.
pub const READY: &str = "sarafan_ready";

/// Gauge: 1 from the moment a shutdown is requested. Alert when 1 for longer than draining may take.
pub const DRAINING: &str = "sarafan_draining";

/// Names of the customary metrics of a process, as this platform has them.
pub const PROCESS_METRICS: &[&str] = &[
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// Names of the metrics that every service has beside them.
pub const METRICS: &[&str] = &[BUILD_INFO, READY, DRAINING];

/// A registry that holds the metrics of this process: the customary `process_*` (CPU seconds, resident bytes, open
/// files, start time) and [`BUILD_INFO`].
///
/// # Errors
///
/// None in practice: the names are fixed and the registry is new.
pub fn registry(role: &str, version: &str) -> Result<Registry, RuntimeError> {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let build =
        IntGaugeVec::new(Opts::new(BUILD_INFO, "Version and role of this process."), &["version", "role"])?;
    build.with_label_values(&[version, role]).set(1);
    registry.register(Box::new(build))?;
    Ok(registry)
}

/// The registry in Prometheus' text format.
///
/// # Errors
///
/// When a metric cannot be written as text.
pub fn render(registry: &Registry) -> Result<String, RuntimeError> {
    Ok(TextEncoder::new().encode_to_string(&registry.gather())?)
}

pub(crate) fn ready_gauges(registry: &Registry) -> Result<IntGaugeVec, RuntimeError> {
    let gauges =
        IntGaugeVec::new(Opts::new(READY, "Whether a condition for serving holds."), &["condition"])?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

pub(crate) fn draining_gauge(registry: &Registry) -> Result<IntGauge, RuntimeError> {
    let gauge = IntGauge::new(DRAINING, "Whether a shutdown was requested.")?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pinned() {
        let registry = registry("ingest", "1.2.3").unwrap();
        ready_gauges(&registry).unwrap().with_label_values(&["consumer"]).set(1);
        draining_gauge(&registry).unwrap();
        let mut listed = [METRICS, PROCESS_METRICS].concat();
        listed.sort_unstable();
        let found: Vec<String> = registry.gather().iter().map(|family| family.name().to_owned()).collect();
        assert_eq!(found, listed);
        let text = render(&registry).unwrap();
        for line in [
            "sarafan_build_info{role=\"ingest\",version=\"1.2.3\"} 1",
            "sarafan_ready{condition=\"consumer\"} 1",
            "sarafan_draining 0",
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "no line {line} in:\n{text}");
        }
    }
}
