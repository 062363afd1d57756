//! How large a scrape is and how long it takes, with twenty dimensions of fifty segments each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sarafan_core::vocabulary::{self, FieldValue, Money, Score, Stamp, Subject};
use sarafan_core::{Definitions, Event, Origin, Placement, Scope, Shard, Tenancy};

use super::*;
use crate::publishing::MOST_BYTES;

const DIMENSIONS: usize = 20;
const SEGMENTS: usize = 50;

/// `customer` dimensions, which cut every metric, the rest by answers.
fn definitions(customer: usize) -> Arc<Definitions> {
    let dimension = |n: usize| {
        let kind = if n < customer { "customer" } else { "response" };
        format!("[[dimension]]\nname = 'dimension_{n:02}'\nkind = '{kind}'\nfield = 'attributes.a{n}'\n")
    };
    let sections: String = (0..DIMENSIONS).map(dimension).collect();
    let text = format!("[[survey]]\nid = 'after_delivery'\nkind = 'transactional'\n{sections}");
    let document = Document::from_text("test.toml", &text).unwrap();
    Arc::new(read_definitions(&document, &mut ConfigErrors::default()).unwrap())
}

fn event(subject: Subject, id: usize, customer: usize, fields: Vec<(String, FieldValue)>) -> Event {
    Event {
        subject,
        id: if subject == Subject::Customer { format!("c{customer}") } else { id.to_string() },
        customer_id: Some(format!("c{customer}")),
        order_id: None,
        stamp: Stamp::new(vocabulary::Instant::from_micros(1), 1, 0),
        erased: false,
        fields,
        origin: Origin::default(),
    }
}

fn on(day: i32) -> FieldValue {
    FieldValue::Instant(vocabulary::Instant::from_micros(i64::from(day) * 86_400_000_000))
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

/// One customer per segment: three purchases, answers in both windows, invitations.
fn shard(definitions: &Arc<Definitions>) -> Shard {
    let placement = Placement { epoch: definitions.epoch, generation: 0, partition: 0, partitions: 1 };
    let mut shard = Shard::new(Arc::clone(definitions), placement);
    let mut events = Vec::new();
    for n in 0..SEGMENTS {
        let place =
            || (0..DIMENSIONS).map(move |d| (format!("attributes.a{d}"), text(&format!("segment {n:03}"))));
        let with = |fields: Vec<(&str, FieldValue)>| {
            place().chain(fields.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
        };
        events.push(event(Subject::Customer, n, n, with(vec![])));
        for k in 0..3 {
            let amount = FieldValue::Money("1234.56".parse::<Money>().unwrap());
            let order = with(vec![
                ("ordered_at", on(TODAY - 100 + 10 * k)),
                ("status", text("paid")),
                ("amount", amount),
                ("currency", text("RUB")),
            ]);
            events.push(event(Subject::Order, 3 * n + k as usize, n, order));
            let day = TODAY - 5 - 31 * k;
            let score = FieldValue::Score(Score::new(9).unwrap());
            let survey = || ("survey", text("after_delivery"));
            let answer = with(vec![survey(), ("answered_at", on(day)), ("score", score)]);
            events.push(event(Subject::SurveyResponse, 3 * n + k as usize, n, answer));
            let invited = on(TODAY - 20);
            let invitation = with(vec![survey(), ("invited_at", invited), ("status", text("delivered"))]);
            events.push(event(Subject::SurveyInvitation, 3 * n + k as usize, n, invitation));
        }
    }
    for (offset, event) in (0..).zip(&events) {
        shard.apply(event, offset).unwrap();
    }
    shard.flush(&Tenancy { term: 1, owner: 1, incarnation: 0 }, Scope::EveryCell);
    shard
}

fn board(customer: usize) -> (Board, Shard, Arc<Definitions>) {
    let definitions = definitions(customer);
    let board = Board::new("01234567", 1, OUTLOOK, SEGMENTS + 2).unwrap();
    (board, shard(&definitions), definitions)
}

fn gathered(shard: &mut Shard, definitions: &Arc<Definitions>) -> Snapshot {
    let mut overview = Overview::new(definitions, OUTLOOK, Day::from_number(TODAY));
    shard.add_figures(&mut overview);
    overview.fold(SEGMENTS, MOST_BYTES, text_bytes);
    let held = BTreeMap::from([(0, Shown { live: true, term: 1 })]);
    let good_until = Some(Instant::now() + Duration::from_secs(30));
    Snapshot { held, overview: Some(overview), good_until }
}

#[test]
fn a_scrape_of_twenty_dimensions_of_fifty_segments_is_below_two_megabytes_and_whole_where_it_can_be() {
    for (customer, hidden) in [(0, 0), (DIMENSIONS / 2, 0), (DIMENSIONS, 10)] {
        let (board, mut shard, definitions) = board(customer);
        let snapshot = gathered(&mut shard, &definitions);
        let most = snapshot.overview.iter().flat_map(Overview::hidden).map(|(_, hidden)| hidden).max();
        assert!(most <= Some(hidden), "{customer}: {most:?} segments of a dimension are hidden");
        board.show(snapshot);
        let text = text_of_board(&board);
        assert!(text.len() < 2_000_000, "{} bytes", text.len());
        let answers = text.lines().filter(|line| line.starts_with("sarafan_nps_answers{")).count();
        let least = 3 * 4 * 3 * 3 + DIMENSIONS * (SEGMENTS - hidden) * 2 * 3;
        assert!(answers >= least, "{customer}: {answers} of {least}");
    }
}

/// `cargo test -p sarafan-aggregator --lib -- --ignored --nocapture how_long`
#[test]
#[ignore = "a measurement: prints how long gathering and rendering take"]
fn how_long_a_scrape_takes() {
    for customer in [0, DIMENSIONS / 2, DIMENSIONS] {
        let (board, mut shard, definitions) = board(customer);
        let mut fastest = [f64::MAX; 2];
        let mut bytes = 0;
        for _ in 0..20 {
            let began = Instant::now();
            board.show(gathered(&mut shard, &definitions));
            let shown = began.elapsed();
            bytes = text_of_board(&board).len();
            let rendered = began.elapsed() - shown;
            for (best, took) in fastest.iter_mut().zip([shown, rendered]) {
                *best = best.min(took.as_secs_f64() * 1e3);
            }
        }
        let [shown, rendered] = fastest;
        println!(
            "{customer} customer and {} response dimensions of {SEGMENTS} segments: {bytes} bytes, \
             gathered in {shown:.1} ms, rendered in {rendered:.1} ms",
            DIMENSIONS - customer
        );
    }
}
