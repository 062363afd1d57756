//! The demo's real data, as records of its two sources.

use std::io::Read as _;

use sarafan_stream::ProducerRecord;

use crate::world::{World, deploy, record};

/// The demo's configuration.
pub(crate) fn configuration() -> String {
    std::fs::read_to_string(deploy("demo/sarafan.toml")).unwrap()
}

/// Days to add, by source, so that the data ends shortly before now: rolling windows are alive.
pub(crate) fn shifts() -> [(&'static str, String); 2] {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let until = |last: jiff::civil::Date| last.until(today).unwrap().get_days().to_string();
    [
        ("SOURCE__0__SHIFT_DAYS", until(jiff::civil::date(2011, 12, 9))),
        ("SOURCE__1__SHIFT_DAYS", until(jiff::civil::date(2018, 5, 31))),
    ]
}

/// Every record of both sets, in the order of their files.
pub(crate) fn records(world: &World) -> Vec<ProducerRecord> {
    let mut invoices = String::new();
    let file = std::fs::File::open(deploy("demo/online_retail_invoices.ndjson.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut invoices).unwrap();
    let answers = std::fs::read_to_string(deploy("demo/airport_survey.ndjson")).unwrap();
    let topics = [world.source_topic(0), world.source_topic(1)];
    let of = |text: &str, topic| text.lines().map(|line| record(topic, line)).collect::<Vec<_>>();
    let mut records = of(&invoices, &topics[0]);
    records.extend(of(&answers, &topics[1]));
    records
}
