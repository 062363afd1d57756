//! The operator's commands: what they print, and how they end.

use crate::world::{World, deploy, succeeded};

fn minimal() -> String {
    std::fs::read_to_string(deploy("config/minimal.toml")).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_wrong_configuration_lists_every_error_and_starts_nothing() {
    let world = World::new("wrong", &minimal(), &[]);
    let wrong = "kafka.broker = 'localhost:9092'\nclickhouse.url = 8123\nmetrics.margin_rate = '30'\n\
                 [[survey]]\nid = 's'\nkind = 'rational'\n[[source]]\nname = 'shop'\ntopic = 't'\nupdated_at = 'at'\n\
                 [[source.record]]\nsubject = 'orders'\nid = 'number'\n[dimensions]\n";
    std::fs::write(world.folder().join("sarafan.toml"), wrong).unwrap();
    for command in ["check-config", "ingest", "aggregate", "migrate", "export"] {
        let output = world.run_plain(&[command]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert_eq!(text(&output.stdout), "", "{command}");
        if command == "check-config" {
            for expected in [
                "sarafan.toml:1: kafka.broker: unknown key",
                "sarafan.toml:2: clickhouse.url: ",
                "sarafan.toml:3: metrics.margin_rate: ",
                "sarafan.toml:6: survey[0].kind: ",
                "sarafan.toml:12: source[0].record[0].subject: ",
                "sarafan.toml:14: dimensions: unknown section",
            ] {
                assert!(said.contains(expected), "no `{expected}` in:\n{said}");
            }
        }
    }
}

#[test]
fn a_migration_can_be_run_again_and_refuses_other_definitions() {
    let world = World::migrated("again", &minimal(), &[]);
    let again = world.run(&["migrate"], b"");
    succeeded(&again);
    assert!(text(&again.stdout).contains("tables: 0 migrations applied"), "{}", text(&again.stdout));
    let live = world.block_on(world.store.live_epoch()).unwrap();
    assert_eq!(live, Some(world.deployment.definitions.epoch));

    let other = minimal().replace("after_delivery", "after_purchase");
    std::fs::write(world.folder().join("sarafan.toml"), other).unwrap();
    let refused = world.run(&["migrate"], b"");
    assert_eq!(refused.status.code(), Some(3));
    let said = text(&refused.stderr);
    assert!(said.contains("and views show epoch") && said.trim_end().lines().count() == 1, "{said}");
    assert_eq!(world.block_on(world.store.live_epoch()).unwrap(), live);
    assert_eq!(world.block_on(world.store.epochs()).unwrap().len(), 1, "nothing was registered");
    let aggregator = world.run(&["aggregate"], b"");
    assert_eq!(aggregator.status.code(), Some(3), "{}", text(&aggregator.stderr));
}

#[test]
fn a_replay_sends_what_it_is_asked_to() {
    let world = World::migrated("replay", &minimal(), &[]);
    let input = "{\"id\": \"a\", \"at\": \"2026-01-31\"}\n\n{\"id\": \"b\"}\nnot json\n{\"id\": \"c\"}\n";
    let arguments = [
        "replay",
        "--source",
        "shop",
        "--key-path",
        "id",
        "--shift-days",
        "1",
        "--limit",
        "3",
        "--rate",
        "1000",
    ];
    let output = world.run(&arguments, input.as_bytes());
    succeeded(&output);
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert!(said.starts_with("3 records to ") && said.lines().count() == 1, "no bar when piped: {said}");
    let mut found: Vec<_> = world
        .read(&world.source_topic(0))
        .into_iter()
        .map(|record| (record.key.map(|key| text(&key)), text(&record.value.unwrap())))
        .collect();
    found.sort();
    let expected = [
        (None, "not json".to_owned()),
        (Some("a".to_owned()), "{\"at\":\"2026-02-01\",\"id\":\"a\"}".to_owned()),
        (Some("b".to_owned()), "{\"id\":\"b\"}".to_owned()),
    ];
    assert_eq!(found, expected);
    let unknown = world.run(&["replay", "--source", "shops"], b"");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there are shop, surveys"), "{}", text(&unknown.stderr));
}

#[test]
fn a_report_has_every_form_and_the_doctor_finds_nothing_wrong() {
    let world = World::migrated("report", &minimal(), &[]);
    let csv = world.run(&["report", "nps", "funnel", "--format", "csv", "--as-of", "2026-01-31"], b"");
    succeeded(&csv);
    assert!(text(&csv.stdout).starts_with("survey,population,window_days,"), "{}", text(&csv.stdout));
    assert!(text(&csv.stdout).contains("\n\nsegment,step,customers,"), "{}", text(&csv.stdout));
    let json = world.run(&["report", "--format", "json"], b"");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json, serde_json::json!({ "nps": [], "funnel": [], "ltv": [] }));
    let unknown = world.run(&["report", "--dimension", "tier"], b"");
    assert_eq!(unknown.status.code(), Some(2));
    let doctor = world.run(&["doctor"], b"");
    let said = text(&doctor.stdout);
    for expected in ["Kafka", "6 partitions", "as this version has them", "is live"] {
        assert!(said.contains(expected), "no `{expected}` in:\n{said}");
    }
    succeeded(&doctor);
}

#[test]
fn health_says_whether_the_service_beside_it_is_ready() {
    let world = World::migrated("health", &minimal(), &[]);
    let ask = |listen: &str, arguments: &[&str]| {
        let told = format!("service.listen = '{listen}'\n{}", minimal());
        std::fs::write(world.folder().join("sarafan.toml"), told).unwrap();
        world.run(arguments, b"")
    };
    let service = world.start("ingest", "ingest", &[]);
    let everywhere = format!("0.0.0.0:{}", service.address.port());
    let ready = ask(&everywhere, &["health"]);
    succeeded(&ready);
    assert_eq!(text(&ready.stdout), "ready\n");
    assert_eq!(text(&ask(&everywhere, &["health", "--live"]).stdout), "alive\n");
    service.stop();
    assert_eq!(ask(&everywhere, &["health"]).status.code(), Some(1));
    let nowhere = ask("127.0.0.1:0", &["health"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", text(&nowhere.stderr));
}
