//! The figures that views compute in SQL are those that the core computes in Rust, on random counts.

use std::collections::BTreeMap;

use sarafan_core::rollup::Rollup;
use sarafan_core::statistics::nps::Groups;
use sarafan_core::statistics::survival::Gaps;

use crate::world::{Row, World, assert_close, int, text};

/// Numbers from a fixed seed, spread over small and large.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn segment<'a>(name: &str, cell: Row<'a>) -> Row<'a> {
    let mut row: Row<'a> = vec![("dimension", text("case")), ("segment", text(name))];
    row.extend(cell);
    row
}

#[tokio::test]
async fn nps_and_its_interval_are_those_of_the_core() {
    let world = World::new().await;
    let today = world.today().await;
    let mut numbers = Numbers(7);
    let groups: Vec<Groups> = (0..40)
        .map(|i| {
            let mut count = || numbers.next(if i % 2 == 0 { 4 } else { 5000 });
            Groups { detractors: count(), passives: count(), promoters: 1 + count() }
        })
        .collect();
    let mut cells = Vec::new();
    for (i, g) in groups.iter().enumerate() {
        for (score, n) in [(3, g.detractors), (7, g.passives), (9, g.promoters)] {
            let cell = vec![
                ("survey", text("s")),
                ("day", int(today)),
                ("score", int(score)),
                ("responses", int(n.cast_signed())),
            ];
            cells.push(segment(&i.to_string(), cell));
        }
    }
    world.live(Rollup::NpsScores, cells).await;
    for (i, g) in groups.iter().enumerate() {
        let sql = format!(
            "SELECT nps, nps_low, nps_high FROM nps WHERE segment = '{i}' AND population = 'responses' AND window_days = 30"
        );
        let found = world.numbers(&sql).await;
        let interval = g.interval().unwrap();
        assert_close(found[0], g.nps().unwrap(), 1e-9);
        assert_close(found[1], interval.low, 1e-9);
        assert_close(found[2], interval.high, 1e-9);
    }
}

#[tokio::test]
async fn the_probability_of_a_next_purchase_is_that_of_the_core() {
    let world = World::new().await;
    let today = world.today().await;
    let mut numbers = Numbers(11);
    let mut histogram = |most: u64| -> BTreeMap<u32, u64> {
        (0..numbers.next(most)).map(|_| (numbers.next(500) as u32, 1 + numbers.next(50))).collect()
    };
    let all: Vec<Gaps> = (0..12).map(|_| Gaps { closed: histogram(30), open: histogram(20) }).collect();
    let (mut closed, mut open) = (Vec::new(), Vec::new());
    for (i, gaps) in all.iter().enumerate() {
        let cell = |key, value: i64, n: u64| {
            segment(
                &i.to_string(),
                vec![("step", int(1)), (key, int(value)), ("customers", int(n.cast_signed()))],
            )
        };
        closed.extend(gaps.closed.iter().map(|(gap, n)| cell("gap_days", i64::from(*gap), *n)));
        open.extend(gaps.open.iter().map(|(gap, n)| cell("day", today - i64::from(*gap), *n)));
    }
    world.live(Rollup::GapsClosed, closed).await;
    world.live(Rollup::GapsOpen, open).await;
    for (i, gaps) in all.iter().enumerate().filter(|(_, g)| g.at_risk(0) > 0) {
        let sql = format!(
            "SELECT p30, p30_low, p30_high, p60, p60_low, p60_high, p90, p90_low, p90_high, p180, p180_low, p180_high, \
             p365, p365_low, p365_high, median_gap_days FROM repeat_funnel WHERE segment = '{i}'"
        );
        let found = world.numbers(&sql).await;
        for (place, horizon) in [30, 60, 90, 180, 365].into_iter().enumerate() {
            let expected = gaps.probability_by(horizon);
            let interval = expected.and_then(|p| p.interval);
            let expected = [expected.map(|p| p.value), interval.map(|i| i.0), interval.map(|i| i.1)];
            for (found, expected) in found[place * 3..].iter().zip(expected) {
                assert_eq!(found.is_some(), expected.is_some(), "segment {i}, {horizon} days");
                assert_close(found.or(Some(0.0)), expected.unwrap_or(0.0), 1e-9);
            }
        }
        assert_eq!(found[15], gaps.median().map(f64::from), "segment {i}");
    }
}
