//! Every metric that some service exports, for whoever holds rules and dashboards to it.

use std::collections::BTreeSet;

/// Names of all metrics: of the services, of the engine and of the process. A histogram stands with its base name; its
/// series end in `_bucket`, `_sum` and `_count`.
pub fn metric_names() -> BTreeSet<&'static str> {
    let lists = [
        sarafan_aggregator::METRICS,
        sarafan_ingest::METRICS,
        crate::audit::metrics::METRICS,
        sarafan_stream::metrics::METRICS,
        sarafan_runtime::metrics::METRICS,
        sarafan_runtime::metrics::PROCESS_METRICS,
    ];
    lists.into_iter().flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_exported_by_two_crates_and_each_is_a_metric_of_ours_or_of_the_process() {
        let names = metric_names();
        let listed = sarafan_aggregator::METRICS.len()
            + sarafan_ingest::METRICS.len()
            + crate::audit::metrics::METRICS.len()
            + sarafan_stream::metrics::METRICS.len()
            + sarafan_runtime::metrics::METRICS.len()
            + sarafan_runtime::metrics::PROCESS_METRICS.len();
        assert_eq!(names.len(), listed);
        let known = |name: &&str| name.starts_with("sarafan_") || name.starts_with("process_");
        assert!(names.iter().all(known), "{names:?}");
    }
}
