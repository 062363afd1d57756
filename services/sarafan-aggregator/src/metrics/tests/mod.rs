//! The names are promises, and what a board shows is of one moment.

mod size;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Registry, TextEncoder};
use sarafan_core::standing::{Outlook, Overview};
use sarafan_core::vocabulary::{self, Day};
use sarafan_runtime::config::{ConfigErrors, Document};

use super::*;
use crate::config::read_definitions;

const DEFINITIONS: &str = "
survey = [{ id = 'a', kind = 'relational' }, { id = 'b', kind = 'relational' }]
dimension = [{ name = 'tier', kind = 'customer', field = 'attributes.tier' }]
";

const OUTLOOK: Outlook = Outlook { segment_window_days: 30 };
/// The day of the figures.
const TODAY: i32 = 20_000;

fn board(segments: usize) -> Board {
    Board::new("01234567", 4, OUTLOOK, segments).unwrap()
}

/// So long after ten o'clock of that day, and after `from`.
fn moment(from: Instant, later: Duration) -> Moment {
    let micros = i64::from(TODAY) * 86_400_000_000 + 36_000_000_000 + later.as_micros() as i64;
    Moment { steady: from + later, wall: vocabulary::Instant::from_micros(micros) }
}

/// What a board says at a moment.
fn text_at(board: &Board, moment: &Moment) -> String {
    let families: Vec<_> =
        board.families(moment).into_iter().filter(|family| !family.get_metric().is_empty()).collect();
    TextEncoder::new().encode_to_string(&families).unwrap()
}

/// What it says when it was just written.
fn text_of_board(board: &Board) -> String {
    text_at(board, &moment(Instant::now(), Duration::ZERO))
}

fn overview() -> Overview {
    let document = Document::from_text("test.toml", DEFINITIONS).unwrap();
    let definitions = read_definitions(&document, &mut ConfigErrors::default()).unwrap();
    Overview::new(&Arc::new(definitions), OUTLOOK, Day::from_number(TODAY))
}

fn snapshot(live: bool) -> Snapshot {
    let held = BTreeMap::from([(3, Shown { live, term: 7 })]);
    let good_until = Some(Instant::now() + Duration::from_secs(30));
    Snapshot { held, overview: live.then(overview), good_until }
}

fn text_of(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

fn names(registry: &Registry) -> Vec<String> {
    registry.gather().iter().map(|family| family.name().to_owned()).collect()
}

#[test]
fn every_counter_whose_labels_are_known_begins_at_zero() {
    let registry = Registry::new();
    Metrics::register(&registry, &["shop".to_owned(), "answers".to_owned()]).unwrap();
    let text = text_of(&registry);
    for series in [
        "sarafan_visible_seconds_count{source=\"shop\"}",
        "sarafan_visible_seconds_bucket{source=\"answers\",le=\"5\"}",
        "sarafan_flush_rows_total{table=\"orders\"}",
        "sarafan_flush_rows_total{table=\"customer_figures\"}",
        "sarafan_flush_rows_total{table=\"order_items\"}",
        "sarafan_flush_rows_total{table=\"nps_windows\"}",
        "sarafan_insert_retries_total{class=\"transient\",kind=\"network\"}",
        "sarafan_insert_retries_total{class=\"transient\",kind=\"busy\"}",
        "sarafan_insert_retries_total{class=\"transient\",kind=\"proxy\"}",
        "sarafan_watch_failures_total{read=\"live_epoch\"}",
        "sarafan_watch_failures_total{read=\"identity_conflicts\"}",
        "sarafan_replayed_records_total",
        "sarafan_terms_total",
    ] {
        assert!(text.lines().any(|line| line == format!("{series} 0")), "{series} in\n{text}");
    }
}

#[test]
fn names_are_those_that_dashboards_and_rules_rely_on() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry, &["shop".to_owned()]).unwrap();
    metrics.visible.with_label_values(&["0"]).set(1);
    metrics.refused.with_label_values(&["1", "no_ledger"]).set(1);
    metrics.epoch_live.with_label_values(&["01234567"]).set(1);
    metrics.identity_conflicts.with_label_values::<&str>(&[]).set(0);
    let mut found = names(&registry);
    let board = board(2);
    found.extend(prometheus::core::Collector::desc(&board).iter().map(|desc| desc.fq_name.clone()));
    let mut expected: Vec<&str> = METRICS.to_vec();
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(
        expected,
        [
            "sarafan_business_day_timestamp_seconds",
            "sarafan_epoch_live",
            "sarafan_flush_rows_total",
            "sarafan_funnel_customers",
            "sarafan_identity_conflicts",
            "sarafan_insert_retries_total",
            "sarafan_invitations_answered",
            "sarafan_invitations_delivered",
            "sarafan_ltv_customers",
            "sarafan_ltv_lifetime_months",
            "sarafan_ltv_margin",
            "sarafan_ltv_purchases",
            "sarafan_ltv_revenue",
            "sarafan_nps_answers",
            "sarafan_nps_critical_z",
            "sarafan_partition_live",
            "sarafan_partition_refused",
            "sarafan_replayed_records_total",
            "sarafan_restore_seconds",
            "sarafan_segment_window_days",
            "sarafan_segments_hidden",
            "sarafan_state_bytes",
            "sarafan_state_entities",
            "sarafan_term",
            "sarafan_terms_total",
            "sarafan_topic_partitions",
            "sarafan_visible_position",
            "sarafan_visible_seconds",
            "sarafan_watch_failures_total",
        ]
    );
}

#[test]
fn a_partition_that_catches_up_is_zero_and_brings_no_figure() {
    let board = board(2);
    board.show(snapshot(false));
    let catching_up = text_of_board(&board);
    assert!(catching_up.contains("sarafan_partition_live{epoch=\"01234567\",partition=\"3\"} 0\n"));
    assert!(catching_up.contains("sarafan_term{partition=\"3\"} 7\n"), "{catching_up}");
    assert!(catching_up.contains("sarafan_topic_partitions 4\n"), "{catching_up}");
    for figure in ["sarafan_nps_answers", "sarafan_business_day", "sarafan_segments_hidden"] {
        assert!(!catching_up.contains(figure), "{figure} in\n{catching_up}");
    }
    board.show(snapshot(true));
    let live = text_of_board(&board);
    assert!(live.contains("sarafan_partition_live{epoch=\"01234567\",partition=\"3\"} 1\n"), "{live}");
    assert!(live.contains("sarafan_business_day_timestamp_seconds 1728000000\n"), "{live}");
    board.show(Snapshot::default());
    let none = text_of_board(&board);
    assert!(!none.contains("sarafan_partition_live{") && !none.contains("sarafan_nps_answers{"), "{none}");
}

#[test]
fn figures_that_are_too_old_or_of_another_day_are_not_shown_and_no_partition_is_live() {
    let board = board(2);
    let written = Instant::now();
    board.show(snapshot(true));
    let is_shown = |moment: &Moment| {
        let text = text_at(&board, moment);
        let live = text.contains("sarafan_partition_live{epoch=\"01234567\",partition=\"3\"} 1\n");
        let figures = ["sarafan_nps_answers{", "sarafan_business_day", "sarafan_segments_hidden{"];
        for figure in figures {
            assert_eq!(text.contains(figure), live, "{figure}: {text}");
        }
        assert_ne!(text.contains("partition=\"3\"} 0\n"), live, "it is still held: {text}");
        live
    };
    let after = |seconds: u64| moment(written, Duration::from_secs(seconds));
    assert!(is_shown(&after(29)));
    assert!(!is_shown(&after(31)), "nobody has gathered any for half a minute");
    let late = Moment { steady: written, ..after(14 * 3_600 - 1) };
    assert!(is_shown(&late), "a second before midnight");
    let next_day = Moment { steady: written, ..after(14 * 3_600) };
    assert!(!is_shown(&next_day), "the windows end yesterday");
}

#[test]
fn the_window_of_segments_is_exported_with_and_without_figures() {
    let board = board(2);
    for shown in [Snapshot::default(), snapshot(true)] {
        board.show(shown);
        let text = text_of_board(&board);
        assert!(text.contains("sarafan_segment_window_days 30\n"), "{text}");
    }
    assert!(board.holds(3) && !board.holds(0));
}

#[test]
fn of_all_every_series_is_there_before_anybody_answers() {
    let board = board(2);
    board.show(snapshot(true));
    let text = text_of_board(&board);
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    // Surveys x populations x windows x periods x groups.
    assert_eq!(count("sarafan_nps_answers{"), 2 * 3 * 4 * 3 * 3);
    assert_eq!(count("sarafan_invitations_delivered{"), 2 * 4);
    assert_eq!(count("sarafan_funnel_customers{"), 10);
    assert!(text.contains(
        "sarafan_nps_answers{epoch=\"01234567\",dimension=\"all\",segment=\"all\",survey=\"a\",population=\"customers\",window_days=\"30\",period=\"previous\",group=\"promoter\"} 0\n"
    ), "{text}");
    assert!(text.contains("sarafan_segments_hidden{epoch=\"01234567\",dimension=\"tier\"} 0\n"), "{text}");
}

#[test]
fn critical_values_are_those_of_a_corrected_error() {
    let text = text_of_board(&board(3));
    for line in ["{segments=\"1\"} 1.95996398", "{segments=\"2\"} 2.24140272", "{segments=\"3\"} 2.393979"] {
        assert!(text.contains(&format!("sarafan_nps_critical_z{line}")), "{line} in\n{text}");
    }
    assert!(!text.contains("segments=\"4\""));
}
