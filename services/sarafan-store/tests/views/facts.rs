//! Facts: one row per entity, without the dead; customers; conflicts; freshness.

use sarafan_core::rows;
use sarafan_core::table::{Table, Value};
use sarafan_core::vocabulary::{Instant, Subject};
use sarafan_store::DeadLetter;

use crate::world::{Row, World, day, int, ints, money, monies, noon, text, texts};

fn entity<'a>(key: &'a str, id: &'a str, more: Row<'a>) -> Row<'a> {
    let mut row = vec![("key", text(key)), ("id", text(id)), ("source", text("shop"))];
    row.extend(more);
    row
}

async fn put(world: &World, subject: Subject, rows: Vec<Row<'_>>) {
    world.put(rows::entity_table(subject).unwrap(), rows).await;
}

#[tokio::test]
async fn the_dead_are_not_shown() {
    let world = World::new().await;
    let flag = |name: &'static str| vec![(name, int(1))];
    for subject in [Subject::Order, Subject::Refund, Subject::SurveyResponse, Subject::SurveyInvitation] {
        let rows = vec![
            entity("c:1", "alive", Vec::new()),
            entity("c:1", "alive_by_word", vec![("deleted", int(0)), ("moved", int(0))]),
            entity("c:1", "deleted", flag("deleted")),
            entity("c:1", "moved", flag("moved")),
            entity("c:1", "erased", flag("erased")),
            entity("c:1", "other_epoch", vec![("epoch", Value::Int(7))]),
        ];
        put(&world, subject, rows).await;
        let (view, id) = match subject {
            Subject::Order => ("orders", "order_id"),
            Subject::Refund => ("refunds", "refund_id"),
            Subject::SurveyResponse => ("survey_responses", "response_id"),
            _ => ("survey_invitations", "invitation_id"),
        };
        let sql = format!("SELECT {id} FROM {view} ORDER BY {id}");
        assert_eq!(world.lines(&sql).await, ["alive", "alive_by_word"], "{view}");
    }
}

#[tokio::test]
async fn an_order_shows_its_latest_version_with_its_money() {
    let world = World::new().await;
    let order = |version: i64, amount: i64| {
        let fields = vec![
            ("version", int(version)),
            ("amount", money(amount)),
            ("refunded", money(3)),
            ("revenue", money(amount - 3)),
            ("margin", money(50)),
            ("net_margin", money(2)),
            ("counted", int(1)),
            ("ordered_at", noon("2026-01-01")),
            ("day", day("2026-01-01")),
        ];
        entity("c:1", "o1", fields)
    };
    put(&world, Subject::Order, vec![order(2, 20)]).await;
    put(&world, Subject::Order, vec![order(1, 10), entity("o:o2", "o2", vec![("purchase_id", text("p"))])])
        .await;
    let sql = "SELECT order_id, purchase_id, customer_id, kind, counted, amount, refunded, revenue, margin, ordered_at \
               FROM orders ORDER BY order_id";
    let expected = ["o1 o1 1 sale true 20 3 17 2 2026-01-01 12:00:00.000000", "o2 p - sale false - 0 0 0 -"];
    assert_eq!(world.lines(sql).await, expected);
}

#[tokio::test]
async fn lines_and_attributes_follow_their_order() {
    let world = World::new().await;
    let orders = vec![
        entity("c:1", "o1", vec![("currency", text("RUB"))]),
        entity("c:1", "gone", vec![("deleted", int(1))]),
        entity("c:2", "o2", vec![]),
    ];
    put(&world, Subject::Order, orders).await;
    put(&world, Subject::Customer, vec![entity("c:2", "2", vec![("erased", int(1))])]).await;
    let items = |key: &'static str, id: &'static str| -> Row<'_> {
        vec![
            ("key", text(key)),
            ("id", text(id)),
            ("sku", texts(&["a", "b"])),
            ("category", texts(&["shoes", ""])),
            ("brand", texts(&["", ""])),
            ("quantity", monies(&[1, 2])),
            ("price", monies(&[10, 20])),
            ("amount", monies(&[10, 40])),
        ]
    };
    world.put(&rows::ORDER_ITEMS, vec![items("c:1", "o1"), items("c:1", "gone")]).await;
    let sql = "SELECT order_id, line, sku, category, brand, quantity, price, amount, currency FROM order_items ORDER BY line";
    assert_eq!(world.lines(sql).await, ["o1 1 a shoes - 1 10 10 RUB", "o1 2 b - - 2 20 40 RUB"]);
    let detail = |key: &'static str, id: &'static str, field: &'static str, value: Value| -> Row<'_> {
        vec![
            ("subject", text("order")),
            ("key", text(key)),
            ("id", text(id)),
            ("field", text(field)),
            ("value", value),
            ("stamp", int(1)),
        ]
    };
    let details = vec![
        detail("c:1", "o1", "attributes.zone", text("north")),
        detail("c:1", "o1", "attributes.gift", text("yes")),
        detail("c:1", "o1", "attributes.cleared", Value::Null),
        detail("c:1", "gone", "attributes.gift", text("yes")),
        detail("c:2", "o2", "attributes.gift", text("yes")),
    ];
    world.put(&rows::DETAILS, details).await;
    let sql = "SELECT order_id, name, value FROM order_attributes ORDER BY name";
    assert_eq!(world.lines(sql).await, ["o1 gift yes", "o1 zone north"]);
}

#[tokio::test]
async fn a_response_has_its_group_and_its_answers() {
    let world = World::new().await;
    let response = |id: &'static str, survey: &'static str, score: Option<i64>| {
        entity("c:1", id, vec![("survey", text(survey)), ("score", Value::maybe(score))])
    };
    let mut responses: Vec<Row<'_>> = vec![
        response("a", "s", Some(0)),
        response("b", "s", Some(6)),
        response("c", "s", Some(7)),
        response("d", "s", Some(8)),
        response("e", "s", Some(9)),
        response("f", "s", Some(10)),
        response("g", "s", None),
        response("h", "stars", Some(5)),
    ];
    responses.push(entity("c:2", "i", vec![("survey", text("s"))]));
    put(&world, Subject::SurveyResponse, responses).await;
    put(&world, Subject::Customer, vec![entity("c:2", "2", vec![("erased", int(1))])]).await;
    let sql = "SELECT response_id, survey_kind, score, nps_group FROM survey_responses WHERE customer_id = '1' ORDER BY 1";
    let expected = [
        "a relational 0 detractor",
        "b relational 6 detractor",
        "c relational 7 passive",
        "d relational 8 passive",
        "e relational 9 promoter",
        "f relational 10 promoter",
        "g relational - -",
        "h relational 5 -",
    ];
    assert_eq!(world.lines(sql).await, expected);
    let detail =
        |key: &'static str, id: &'static str, field: &'static str, value: Value, stamp: i64| -> Row<'_> {
            vec![
                ("subject", text("survey_response")),
                ("key", text(key)),
                ("id", text(id)),
                ("field", text(field)),
                ("value", value),
                ("stamp", int(stamp)),
            ]
        };
    let details = vec![
        detail("c:1", "a", "comment", text("newer"), 2),
        detail("c:1", "a", "comment", text("older"), 1),
        detail("c:1", "a", "answers.why", text("late"), 1),
        detail("c:1", "a", "answers.cleared", Value::Null, 1),
        detail("c:1", "a", "attributes.app", text("no answer"), 1),
        detail("c:2", "i", "comment", text("erased customer"), 1),
    ];
    world.put(&rows::DETAILS, details).await;
    let sql = "SELECT response_id, question, answer FROM survey_answers ORDER BY question";
    assert_eq!(world.lines(sql).await, ["a comment newer", "a why late"]);
}

#[tokio::test]
async fn a_customer_shows_its_main_currency_and_customer_money_shows_all() {
    let world = World::new().await;
    let today = world.today().await;
    let figures = vec![
        ("key", text("c:1")),
        ("first_day", int(today - 487)),
        ("orders", int(5)),
        ("purchases", int(4)),
        ("answers", int(2)),
        ("years_bought", int(2)),
        ("latest_score", int(9)),
        ("dimensions", texts(&["tier"])),
        ("segments", texts(&["gold"])),
    ];
    let referred = vec![("key", text("c:2")), ("referred_by", text("1"))];
    let erased = vec![("key", text("c:3"))];
    world.put(&rows::CUSTOMER_FIGURES, vec![figures, referred, erased]).await;
    put(&world, Subject::Customer, vec![entity("c:3", "3", vec![("erased", int(1))])]).await;
    // Two orders each in EUR and RUB: the first by alphabet is the main one.
    let purse = vec![
        ("key", text("c:1")),
        ("currency", texts(&["BYN", "EUR", "RUB"])),
        ("orders", ints(&[1, 2, 2])),
        ("purchases", ints(&[1, 2, 1])),
        ("months_487", ints(&[487, 974, 487])),
        ("gross", monies(&[5, 100, 7])),
        ("refunded", monies(&[5, 20, 0])),
        ("revenue", monies(&[0, 80, 7])),
        ("margin", monies(&[0, 20, 1])),
    ];
    world.put(&rows::CUSTOMER_MONEY, vec![purse]).await;
    let sql = "SELECT customer_id, tenure_months, orders, purchases, nps_answers, is_core, referred_customers, latest_nps_group, \
               segments, currency, revenue, average_check, orders_per_month, margin_rate, lifetime_months, ltv \
               FROM customers ORDER BY customer_id";
    let expected = [
        r#"1 16 5 4 2 true 1 promoter {"tier":"gold"} EUR 80 40 1 0.25 2 20"#,
        "2 - 0 0 0 false 0 - {} - 0 - - - - 0",
    ];
    assert_eq!(world.lines(sql).await, expected);
    let sql = "SELECT currency, orders, gross, refunded, revenue, margin, average_check, orders_per_month, margin_rate, \
               lifetime_months, ltv FROM customer_money ORDER BY currency";
    let expected = ["BYN 1 5 5 0 0 - - - - 0", "EUR 2 100 20 80 20 40 1 0.25 2 20"];
    assert_eq!(world.lines(sql).await[..2], expected);
}

#[tokio::test]
async fn one_id_alive_under_two_keys_is_a_conflict() {
    let world = World::new().await;
    let order = |key: &'static str, id: &'static str, amount: i64| {
        entity(key, id, vec![("amount", money(amount)), ("currency", text("RUB")), ("counted", int(1))])
    };
    let mut orders = vec![
        order("c:1", "twice", 10),
        order("c:2", "twice", 20),
        order("c:1", "once", 5),
        order("c:1", "left", 5),
    ];
    let mut left = order("o:left", "left", 5);
    left.push(("moved", int(1)));
    orders.push(left);
    put(&world, Subject::Order, orders).await;
    put(&world, Subject::SurveyResponse, vec![entity("c:1", "r", vec![]), entity("e:r", "r", vec![])]).await;
    let sql = "SELECT order_id, response_id, keys, amounts, currencies, counted FROM identity_conflicts ORDER BY order_id NULLS LAST";
    let expected = [r#"twice - ["c:1","c:2"] ["10","20"] ["RUB","RUB"] 2"#, r#"- r ["c:1","e:r"] [] [] 0"#];
    assert_eq!(world.lines(sql).await, expected);
}

#[tokio::test]
async fn freshness_gathers_arrivals_dead_letters_and_guests_by_source() {
    let world = World::new().await;
    let arrival = |partition: i64, received: &str| -> Row<'_> {
        vec![
            ("source", text("shop")),
            ("partition", int(partition)),
            ("last_event_at", noon("2026-01-01")),
            ("last_received_at", noon(received)),
            ("records", int(10)),
        ]
    };
    world.put(&rows::ARRIVALS, vec![arrival(0, "2026-01-02"), arrival(1, "2026-01-03")]).await;
    let letter = |offset: i64, reason: &str| DeadLetter {
        dlq_partition: 0,
        dlq_offset: offset,
        at: Instant::from_micros(0),
        source: "mail".to_owned(),
        topic: "mail".to_owned(),
        partition: 0,
        offset,
        reason: reason.to_owned(),
        stage: "map".to_owned(),
        message: String::new(),
    };
    let letters: Table = DeadLetter::table(&[
        letter(0, "score_out_of_range"),
        letter(1, "missing_id"),
        letter(2, "missing_id"),
    ]);
    world.store.insert(&letters).await.unwrap();
    put(&world, Subject::Order, vec![entity("c:1", "a", vec![]), entity("o:b", "b", vec![])]).await;
    let responses = vec![
        entity("c:1", "a", vec![("score", int(9))]),
        entity("o:b", "b", vec![]),
        entity("e:c", "c", vec![("score", int(9))]),
        entity("e:d", "d", vec![("score", int(9))]),
    ];
    put(&world, Subject::SurveyResponse, responses).await;
    let sql = "SELECT source, last_received_at, records, dead_letters, guests, no_score_share, lag_seconds > 0 AS late \
               FROM freshness ORDER BY source";
    let expected = [
        r#"mail - 0 {"missing_id":"2","score_out_of_range":"1"} 0 - -"#,
        "shop 2026-01-03 12:00:00.000000 20 {} 4 0.25 1",
    ];
    assert_eq!(world.lines(sql).await, expected);
}

#[tokio::test]
async fn a_record_that_was_refused_again_after_a_fault_counts_once() {
    let world = World::new().await;
    let letter = |dlq_offset: i64, offset: i64| DeadLetter {
        dlq_partition: 0,
        dlq_offset,
        at: Instant::from_micros(0),
        source: "mail".to_owned(),
        topic: "mail".to_owned(),
        partition: 3,
        offset,
        reason: "not_json".to_owned(),
        stage: "convert".to_owned(),
        message: String::new(),
    };
    // Ingest died before it had committed: what it had read, it read again.
    world.store.insert(&DeadLetter::table(&[letter(0, 7), letter(1, 8), letter(2, 7)])).await.unwrap();
    assert_eq!(world.lines("SELECT dead_letters FROM freshness").await, [r#"{"not_json":"2"}"#]);
}
