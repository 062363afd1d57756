//! Gauges of one name, written all at once.

use std::collections::HashMap;

use prometheus::core::Desc;
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// A name, what it says, and its labels.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
}

impl Family {
    /// As a registry wants to know of it.
    pub(super) fn desc(&self) -> Result<Desc, prometheus::Error> {
        let labels = self.labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, HashMap::new())
    }

    /// With these samples: one value per label, then the value of the gauge.
    pub(super) fn filled(&self, samples: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(samples);
        family
    }

    /// Bytes of a line of text whose label values have `values` bytes together, and a number of four digits.
    pub(super) fn line_bytes(&self, values: usize) -> usize {
        let labels: usize = self.labels.iter().map(|label| label.len() + "=\"\",".len()).sum();
        self.name.len() + labels + values + "{} 1234\n".len()
    }

    /// One sample; `values` are those of the labels, in their order.
    pub(super) fn sample<const L: usize>(&self, values: [&str; L], value: f64) -> Metric {
        debug_assert_eq!(self.labels.len(), L, "{}", self.name);
        let pair = |(name, value): (&&str, &str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        let mut metric = Metric::from_label(self.labels.iter().zip(values).map(pair).collect());
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
        metric
    }
}
