//! `/metrics` says what the views say, and only of partitions that are owned and live.

use std::collections::{BTreeMap, BTreeSet};

use sarafan_aggregator as names;
use sarafan_core::Event;
use sarafan_core::vocabulary::{FieldValue, Subject};

use crate::deployment::{Deployment, answer, event, instant, order};
use crate::exposition::{lines, partitions, scrape, until};

const DEFINITIONS: &str = "
metrics.margin_rate = '0.5'
metrics.windows = [7, 30]
survey = [{ id = 'relation', kind = 'relational' }, { id = 'stars', kind = 'other', scale = 'other' }]
dimension = [
  { name = 'tier', kind = 'customer', field = 'attributes.tier' },
  { name = 'touchpoint', kind = 'response', field = 'touchpoint' },
]
";

/// Ten o'clock, so many days ago.
fn ago(days: i64) -> String {
    let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    format!("{}T10:00:00Z", day - jiff::Span::new().days(days))
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

fn customer(name: &str) -> Event {
    let tier = ["gold", "silver"][name.len() % 2];
    event(Subject::Customer, name, name, &ago(100), vec![("attributes.tier", text(tier))])
}

fn invitation(id: &str, customer: &str, days: i64, touchpoint: &str) -> Event {
    let fields = vec![
        ("touchpoint", text(touchpoint)),
        ("survey", text("relation")),
        ("invited_at", FieldValue::Instant(instant(&ago(days)))),
        ("status", text("delivered")),
    ];
    event(Subject::SurveyInvitation, id, customer, &ago(days), fields)
}

/// Customers who buy up to twelve times and answer again and again, asked more often than they answer.
fn history() -> Vec<Event> {
    let mut events = Vec::new();
    for n in 0..40_i64 {
        let name = format!("c{}", "x".repeat(n as usize));
        events.push(customer(&name));
        for k in 0..=(n % 13) {
            events.push(order(&format!("{n}-{k}"), &name, &ago(200 - n - 9 * k), "12.34"));
        }
        for k in 0..n % 4 {
            let days = (n * 7 + k * 11) % 75;
            let touchpoint = ["site", "courier"][k as usize % 2];
            events.push(invitation(&format!("i{n}-{k}"), &name, days, touchpoint));
            let mut given = answer(&format!("a{n}-{k}"), &name, &ago(days), (n * n + 3 * k) % 11);
            let answered = k != 1;
            if answered {
                given.fields.push(("invitation_id".to_owned(), text(&format!("i{n}-{k}"))));
            }
            given.fields.push(("order_id".to_owned(), text(&format!("{n}-{}", k / 2))));
            given.fields.push(("touchpoint".to_owned(), text(touchpoint)));
            sarafan_wire::sort_fields(&mut given);
            events.push(given);
        }
    }
    events
}

impl Deployment {
    /// The rows of a query, joined by blanks.
    async fn rows(&self, sql: &str) -> BTreeSet<String> {
        let rows = self.store.query(sql, &[]).await.unwrap();
        rows.rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_that_of_the_views() {
    let deployment = Deployment::with("figures", 3, DEFINITIONS).await;
    let running = deployment.start();
    let history = history();
    deployment.produce(&history).await;
    let records = history.len();
    let seen = "SELECT toString(sum(records)) AS found FROM {store}.arrivals FINAL";
    assert_eq!(deployment.eventually(seen, &records.to_string()).await, records.to_string());
    let scraped = until(running.address, |found| {
        let funnel = lines(found, names::FUNNEL_CUSTOMERS, &["dimension", "step"]);
        partitions(found).values().filter(|live| **live).count() == 3 && funnel.contains("all 1 40.0000")
    })
    .await;

    let answers = ["survey", "population", "window_days", "period", "dimension", "segment", "group"];
    let shown = lines(&scraped, names::NPS_ANSWERS, &answers);
    let groups =
        "ARRAY JOIN ['detractor', 'passive', 'promoter'] AS grp, [detractors, passives, promoters] AS n";
    let row = "concatWithSeparator(' ', survey, population, toString(window_days), period, dimension, segment, grp, toDecimalString(n, 4))";
    let mut expected = deployment
        .rows(&format!(
            "SELECT {row} FROM (SELECT *, 'rolling' AS period FROM nps WHERE dimension = 'all') {groups} WHERE n != 0"
        ))
        .await;
    for (period, days) in [("complete", 1), ("previous", 1 + 30), ("previous", 1 + 7)] {
        for window in [7, 30] {
            if period == "previous" && days != window + 1 {
                continue;
            }
            let view = format!("nps_at(as_of = today() - {days}, window_days = {window})");
            let of = "dimension = 'all' OR (population = 'customers' AND window_days = 30)";
            expected.extend(
                deployment
                    .rows(&format!("SELECT {row} FROM (SELECT *, '{period}' AS period FROM {view} WHERE {of}) {groups} WHERE n != 0"))
                    .await,
            );
        }
    }
    assert_eq!(shown, expected);
    assert!(shown.len() > 60, "{shown:#?}");

    let by_segment = ["dimension", "segment"];
    for (metric, column) in
        [(names::INVITATIONS_DELIVERED, "delivered"), (names::INVITATIONS_ANSWERED, "answered")]
    {
        let expected = deployment
            .rows(&format!("SELECT DISTINCT concatWithSeparator(' ', dimension, segment, toDecimalString({column}, 4)) FROM nps WHERE population = 'customers' AND window_days = 30 AND {column} != 0"))
            .await;
        let shown = lines(&scraped, metric, &by_segment);
        assert_eq!(shown, expected, "{metric}");
        assert!(shown.len() > 3, "{shown:?}");
    }

    let expected = deployment
        .rows("SELECT concatWithSeparator(' ', dimension, segment, if(step >= 10, '10+', toString(step)), toDecimalString(customers, 4)) FROM repeat_funnel WHERE step <= if(dimension = 'all', 10, 3)")
        .await;
    assert_eq!(lines(&scraped, names::FUNNEL_CUSTOMERS, &["dimension", "segment", "step"]), expected);

    let sums = [
        (names::LTV_CUSTOMERS, "customers"),
        (names::LTV_PURCHASES, "purchases"),
        (names::LTV_REVENUE, "revenue"),
        (names::LTV_MARGIN, "margin"),
        (names::LTV_LIFETIME_MONTHS, "lifetime_months"),
    ];
    for (metric, column) in sums {
        let expected = deployment
            .rows(&format!("SELECT concatWithSeparator(' ', dimension, segment, currency, toDecimalString({column}, 4)) FROM ltv"))
            .await;
        let shown = lines(&scraped, metric, &["dimension", "segment", "currency"]);
        assert_eq!(shown, expected, "{metric}");
        assert_eq!(shown.len(), 3, "all and two tiers: {shown:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_terms_freshness_and_conflicts() {
    let deployment = Deployment::with("operators", 1, DEFINITIONS).await;
    let received = |days| Some(instant(&ago(days)));
    let mut old = order("1", "ann", &ago(3), "10");
    old.origin.received_at = received(1);
    let mut twice = order("1", "bob", &ago(3), "10");
    twice.origin.received_at = received(1);
    deployment.produce(&[old, twice]).await;
    let first = deployment.start();
    let scraped = until(first.address, |found| {
        let held = lines(found, names::STATE_BYTES, &[]);
        let shown = lines(found, "sarafan_visible_seconds_count", &["source"]);
        !shown.is_empty() && !held.is_empty()
    })
    .await;
    let count = lines(&scraped, "sarafan_visible_seconds_count", &["source"]);
    assert_eq!(count, BTreeSet::from(["test 2.0000".to_owned()]));
    let within = lines(&scraped, "sarafan_visible_seconds_bucket", &["le"]);
    assert_eq!(within, BTreeSet::from(["+Inf 2.0000".to_owned()]), "a day old when they were shown");
    let epoch = deployment.config.definitions.epoch.to_string()[..8].to_owned();
    assert_eq!(lines(&scraped, names::EPOCH_LIVE, &["epoch"]), BTreeSet::from([format!("{epoch} 1.0000")]));
    assert_eq!(lines(&scraped, names::TERM, &["partition"]), BTreeSet::from(["0 1.0000".to_owned()]));
    let midnight = instant(&ago(0)).micros().div_euclid(86_400_000_000) * 86_400;
    let day = lines(&scraped, names::BUSINESS_DAY, &[]);
    assert_eq!(day, BTreeSet::from([format!("{midnight}.0000")]));
    assert!(!lines(&scraped, names::STATE_BYTES, &[]).is_empty());
    first.stop().await;
    let second = deployment.start();
    let scraped = until(second.address, |found| {
        partitions(found).get(&0) == Some(&true) && found.contains_key(names::IDENTITY_CONFLICTS)
    })
    .await;
    assert_eq!(lines(&scraped, names::TERM, &["partition"]), BTreeSet::from(["0 2.0000".to_owned()]));
    assert_eq!(lines(&scraped, names::IDENTITY_CONFLICTS, &[]), BTreeSet::from(["1.0000".to_owned()]));
    assert_eq!(scraped["sarafan_visible_seconds_count"][0].1, 0.0, "nothing is shown for the first time");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_source_keeps_its_producers_times_a_record_arrives_on_the_canonical_topic() {
    let deployment = Deployment::with("arrival", 1, DEFINITIONS).await;
    let running = deployment.start();
    let fresh = order("1", "ann", &ago(3), "10");
    assert_eq!(fresh.origin.received_at, None);
    deployment.produce(&[fresh]).await;
    let within = |found: &_| lines(found, "sarafan_visible_seconds_bucket", &["le"]);
    let scraped = until(running.address, |found| !within(found).is_empty()).await;
    assert!(within(&scraped).contains("60 1.0000"), "{:?}", within(&scraped));
    let arrived = "SELECT toString(dateDiff('minute', last_received_at, now64(6, 'UTC')) <= 1) AS found FROM {views}.freshness WHERE source = 'test'";
    assert_eq!(deployment.eventually(arrived, "1").await, "1");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_exported_by_nobody_but_its_owner() {
    let deployment = Deployment::with("handover", 2, DEFINITIONS).await;
    let first = deployment.start();
    deployment.produce(&history()).await;
    let funnel = |found: &_| lines(found, names::FUNNEL_CUSTOMERS, &["dimension", "step"]);
    let alone = until(first.address, |found| funnel(found).contains("all 1 40.0000")).await;
    assert_eq!(partitions(&alone).len(), 2);
    let second = deployment.start();
    let theirs = until(second.address, |found| partitions(found).values().any(|live| *live)).await;
    let ours = until(first.address, |found| partitions(found).len() == 1).await;
    let mut both: Vec<u16> = partitions(&ours).into_keys().chain(partitions(&theirs).into_keys()).collect();
    both.sort_unstable();
    assert_eq!(both, [0, 1], "each by one");
    let step = |found: &_| {
        let line = funnel(found).into_iter().find(|line| line.starts_with("all 1 ")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    let share = step(&ours);
    assert!(share > 0.0 && share < 40.0, "a share of the customers: {share}");
    assert_eq!(share + step(&theirs), 40.0);
    // The view that is counted is one, and reads all facts.
    for (address, partitions) in [(first.address, partitions(&ours)), (second.address, partitions(&theirs))] {
        let counts = |found: &BTreeMap<_, _>| found.contains_key(names::IDENTITY_CONFLICTS);
        let has_to = partitions.contains_key(&0);
        let found = until(address, |found| counts(found) == has_to).await;
        assert_eq!(
            counts(&found),
            has_to,
            "conflicts are counted by whoever holds partition 0: {partitions:?}"
        );
    }
    second.stop().await;
    let again = until(first.address, |found| funnel(found).contains("all 1 40.0000")).await;
    assert_eq!(partitions(&again).len(), 2);
    let address = first.address;
    first.die().await;
    assert!(scrape(address).await.is_empty(), "the dead say nothing");
}
