//! The metrics of `sarafan audit --watch`. A name is a promise: renaming one is a new major version.

use prometheus::{Gauge, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::Finding;

/// Gauge, rows, cells and offsets that differ from what the facts or the topics say and hold still, by `check`, as of the
/// last audit. Alert when it is above 0: a figure that people look at may be wrong.
pub(crate) const DIFFERENCES: &str = "sarafan_audit_differences";
/// Gauge, differences that were still moving when the audit's patience ended, by `check`. Alert when it
/// stays above 0 for hours: then it is no matter of the moment.
pub(crate) const MOVING: &str = "sarafan_audit_moving";
/// Gauge, seconds since 1970: when the last audit was finished. Alert when it is older than a few rounds.
pub(crate) const FINISHED: &str = "sarafan_audit_finished_timestamp_seconds";
/// Counter, audits by `outcome`: `clean`, `different`, or `failed` when it could not be finished. Alert when only `failed`
/// grows.
pub(crate) const AUDITS: &str = "sarafan_audits_total";

/// Names of all metrics that an audit adds to those of the process.
pub(crate) const METRICS: &[&str] = &[DIFFERENCES, MOVING, FINISHED, AUDITS];

/// Handles.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    differences: IntGaugeVec,
    moving: IntGaugeVec,
    finished: Gauge,
    audits: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let by_check = |name: &str, help: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["check"])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let finished = Gauge::new(FINISHED, "When the last audit was finished")?;
        registry.register(Box::new(finished.clone()))?;
        let audits = IntCounterVec::new(Opts::new(AUDITS, "Audits by outcome"), &["outcome"])?;
        registry.register(Box::new(audits.clone()))?;
        for outcome in ["clean", "different", "failed"] {
            audits.with_label_values(&[outcome]);
        }
        Ok(Self {
            differences: by_check(DIFFERENCES, "Differences found by the last audit")?,
            moving: by_check(MOVING, "Differences that did not hold still in the last audit")?,
            finished,
            audits,
        })
    }

    /// Shows what an audit found.
    pub(crate) fn show(&self, findings: &[Finding], now: f64) {
        for finding in findings {
            let label = [finding.check.as_str()];
            self.differences.with_label_values(&label).set(finding.differing.cast_signed());
            self.moving.with_label_values(&label).set(finding.moving.cast_signed());
        }
        self.finished.set(now);
        let clean = findings.iter().all(|finding| finding.differing == 0);
        self.audits.with_label_values(&[if clean { "clean" } else { "different" }]).inc();
    }

    /// Counts an audit that could not be finished.
    pub(crate) fn failed(&self) {
        self.audits.with_label_values(&["failed"]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_rules_rely_on() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        metrics.show(&[Finding { check: "orders".to_owned(), ..Finding::default() }], 2.0);
        let names: Vec<String> = registry.gather().iter().map(|family| family.name().to_owned()).collect();
        let expected = [
            "sarafan_audit_differences",
            "sarafan_audit_finished_timestamp_seconds",
            "sarafan_audit_moving",
            "sarafan_audits_total",
        ];
        assert_eq!(names, expected);
        let mut listed = METRICS.to_vec();
        listed.sort_unstable();
        assert_eq!(listed, expected);
    }
}
