//! The rules of the configuration.
#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;

use sarafan_runtime::config::{ConfigErrors, Document, Secret};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Kafka {
    brokers: String,
    partitions: u32,
    #[serde(default)]
    compression: Compression,
    group: Option<String>,
    password: Option<Secret>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Compression {
    #[default]
    Lz4,
    Zstd,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Limits {
    rows: Option<NonZeroU32>,
    ratio: f64,
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Source {
    topic: String,
    mapping: Mapping,
}

#[derive(Debug, Deserialize)]
struct Mapping {
    id: String,
    #[serde(default)]
    offset: i64,
}

const KNOWN: [&str; 4] = ["kafka", "limits", "source", "service"];

fn document(text: &str) -> Document {
    Document::from_text("sarafan.toml", text).unwrap()
}

/// Reads the sections that the tests use and returns the errors, one per line.
fn errors_of(document: &Document) -> String {
    let mut errors = ConfigErrors::default();
    document.section::<Kafka>("kafka", &mut errors);
    document.section_or_default::<Limits>("limits", &mut errors);
    document.array_of_tables::<Source>("source", &mut errors);
    document.finish(errors, &KNOWN).map_or_else(|errors| errors.to_string(), |()| String::new())
}

fn with_environment(text: &str, variables: &[(&str, &str)]) -> Result<Document, ConfigErrors> {
    let pairs = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Document::from_text_and_environment("sarafan.toml", text, "SARAFAN", pairs)
}

const GOOD: &str = r#"
[kafka]
brokers = "localhost:9092"
partitions = 8

[[source]]
topic = "orders"
[source.mapping]
id = "order_id"
"#;

#[test]
fn a_good_file_has_no_errors_and_its_values() {
    let document = document(GOOD);
    assert_eq!(errors_of(&document), "");
    let mut errors = ConfigErrors::default();
    let kafka: Kafka = document.section("kafka", &mut errors).unwrap();
    assert_eq!((kafka.brokers.as_str(), kafka.partitions), ("localhost:9092", 8));
    assert_eq!((kafka.compression, kafka.group), (Compression::Lz4, None));
    let sources = document.array_of_tables::<Source>("source", &mut errors);
    assert_eq!(sources.len(), 1);
    let Source { topic, mapping } = &sources[0].value;
    assert_eq!((topic.as_str(), mapping.id.as_str(), mapping.offset), ("orders", "order_id", 0));
    assert!(errors.is_empty());
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_file() {
    let text = r#"[kafka]
broker = "localhost:9092"
partitions = "eight"
compression = "lz5"

[limits]
rows = 0

[[source]]
topic = 7
[source.mapping]
ofset = 3

[sourc]
"#;
    assert_eq!(
        errors_of(&document(text)),
        "\
sarafan.toml:1: kafka.brokers: required, and not there
sarafan.toml:2: kafka.broker: unknown key; did you mean `brokers`?
sarafan.toml:3: kafka.partitions: expected u32, not string \"eight\"
sarafan.toml:4: kafka.compression: `lz5` is not one of `lz4`, `zstd`; did you mean `lz4`?
sarafan.toml:7: limits.rows: expected a nonzero u32, not integer `0`
sarafan.toml:10: source[0].topic: expected a string, not integer `7`
sarafan.toml:11: source[0].mapping.id: required, and not there
sarafan.toml:12: source[0].mapping.ofset: unknown key; did you mean `offset`?
sarafan.toml:14: sourc: unknown section; did you mean `source`?"
    );
}

#[test]
fn a_missing_section_is_named() {
    assert_eq!(errors_of(&document("")), "sarafan.toml: kafka: the section [kafka] is missing");
}

#[test]
fn one_bracket_instead_of_two_is_explained() {
    let text = GOOD.replace("[[source]]", "[source]");
    assert_eq!(
        errors_of(&document(&text)),
        "sarafan.toml:6: source: write [[source]] with two brackets: there can be several"
    );
}

#[test]
fn syntax_errors_have_their_lines() {
    let errors =
        Document::from_text("sarafan.toml", "[kafka]\nbrokers = \n\npartitions = 8 9\n").unwrap_err();
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(lines[0].starts_with("sarafan.toml:2: "), "{lines:?}");
    assert!(lines[1].starts_with("sarafan.toml:4: "), "{lines:?}");
    assert!(errors.iter().all(|error| error.kind() == "syntax"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let errors = Document::load("no/such/sarafan.toml".as_ref(), "SARAFAN").unwrap_err();
    assert!(
        errors.to_string().starts_with("no/such/sarafan.toml: cannot read the configuration: "),
        "{errors}"
    );
    assert_eq!(errors.iter().next().unwrap().kind(), "unreadable");
}

#[test]
fn the_environment_wins_and_is_typed_by_what_is_expected() {
    let variables = [
        ("SARAFAN__KAFKA__BROKERS", "a:9092,b:9092"),
        ("SARAFAN__KAFKA__PARTITIONS", "16"),
        ("SARAFAN__KAFKA__GROUP", "007"),
        ("SARAFAN__KAFKA__PROPERTIES__LINGER_MS", "5"),
        ("SARAFAN__LIMITS__NAMES", r#"["x", "y"]"#),
        ("SARAFAN__SOURCE__0__TOPIC", "2024"),
        ("SARAFAN__SOURCE__1__TOPIC", "answers"),
        ("SARAFAN__SOURCE__1__MAPPING__ID", "answer_id"),
        ("SARAFAN_TEST_KAFKA", "not ours"),
    ];
    let document = with_environment(GOOD, &variables).unwrap();
    assert_eq!(errors_of(&document), "");
    let mut errors = ConfigErrors::default();
    let kafka: Kafka = document.section("kafka", &mut errors).unwrap();
    assert_eq!((kafka.brokers.as_str(), kafka.partitions), ("a:9092,b:9092", 16));
    assert_eq!(kafka.group.as_deref(), Some("007"));
    assert_eq!(kafka.properties["linger_ms"], "5");
    let limits: Limits = document.section_or_default("limits", &mut errors).unwrap();
    assert_eq!(limits.names, ["x", "y"]);
    let topics: Vec<_> = document
        .array_of_tables::<Source>("source", &mut errors)
        .into_iter()
        .map(|s| s.value.topic)
        .collect();
    assert_eq!(topics, ["2024", "answers"]);
}

#[test]
fn an_error_in_the_environment_names_the_variable() {
    let variables = [
        ("SARAFAN__KAFKA__PARTITIONS", "many"),
        ("SARAFAN__KAFKA__GRUOP", "x"),
        ("SARAFAN__KAFAK__GROUP", "x"),
    ];
    let document = with_environment(GOOD, &variables).unwrap();
    assert_eq!(
        errors_of(&document),
        "\
SARAFAN__KAFAK__GROUP: kafak: unknown section; did you mean `kafka`?
SARAFAN__KAFKA__GRUOP: kafka.gruop: unknown key; did you mean `group`?
SARAFAN__KAFKA__PARTITIONS: kafka.partitions: expected u32, not string \"many\""
    );
}

#[test]
fn a_variable_that_names_no_place_is_refused() {
    let variables = [("SARAFAN__SOURCE__7__TOPIC", "x"), ("SARAFAN__KAFKA__BROKERS__0", "x")];
    let errors = with_environment(GOOD, &variables).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "\
SARAFAN__KAFKA__BROKERS__0: kafka.brokers.0: `0` is below a value that is not a table
SARAFAN__SOURCE__7__TOPIC: source.7.topic: there are only 1, so the next one is number 1"
    );
    assert!(errors.iter().all(|error| error.kind() == "environment"));
}

#[test]
fn a_secret_can_be_in_a_file_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "hunter2\n").unwrap();
    let path = folder.path().join("sarafan.toml");
    let text = GOOD.replace("partitions = 8", "partitions = 8\npassword_file = \"secret\"");
    std::fs::write(&path, text).unwrap();
    let document = Document::load(&path, "NO_SUCH_PREFIX").unwrap();
    let mut errors = ConfigErrors::default();
    let kafka: Kafka = document.section("kafka", &mut errors).unwrap();
    assert_eq!(kafka.password.unwrap().expose(), "hunter2");
}

#[test]
fn files_are_for_secrets_only_must_exist_and_exclude_the_value() {
    let text = "[kafka]\nbrokers_file = \"x\"\npartitions = 8\npassword_file = \"no/such/file\"";
    let errors = errors_of(&document(text));
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(
        lines[0],
        "sarafan.toml:2: kafka.brokers_file: unknown key: only secrets can be in a file of their own"
    );
    assert!(
        lines[1]
            .starts_with("sarafan.toml:4: kafka.password_file: cannot read the secret from no/such/file: "),
        "{errors}"
    );
    assert_eq!(lines.len(), 2);
    let both = GOOD.replace("partitions = 8", "partitions = 8\npassword = \"a\"\npassword_file = \"b\"");
    assert_eq!(
        errors_of(&document(&both)),
        "sarafan.toml:6: kafka.password_file: give either `password` or `password_file`, not both"
    );
}

#[test]
fn later_checks_can_name_the_line_too() {
    let document = document(GOOD);
    let mut errors = ConfigErrors::default();
    let sources = document.array_of_tables::<Source>("source", &mut errors);
    let place = &sources[0].place;
    errors.push(place.key("mapping").key("id").invalid("this field is used twice"));
    errors.push(place.key("filter").invalid("is needed here"));
    errors.push(document.place("kafka.brokers").invalid("is not an address"));
    assert_eq!(
        document.finish(errors, &KNOWN).unwrap_err().to_string(),
        "\
sarafan.toml:3: kafka.brokers: is not an address
sarafan.toml:6: source[0].filter: is needed here
sarafan.toml:9: source[0].mapping.id: this field is used twice"
    );
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let text = r#"
[kafka]
brokers = "localhost:9092"
partitions = 8
password = "hunter2"
[kafka.properties]
"sasl.password" = "hunter2"
"ssl.key.pem" = "hunter2"
"ssl.key.location" = "/etc/key.pem"
"linger.ms" = "5"
[clickhouse]
url = "http://reader:hunter2@localhost:8123/?x=1"
access_token = "hunter2"
[[source]]
topic = "orders"
[source.mapping]
id = "key"
key = "order_id"
"#;
    let shown = document(text).redacted();
    assert!(!shown.contains("hunter2"), "{shown}");
    for line in [
        "brokers = \"localhost:9092\"",
        "partitions = 8",
        "password = \"***\"",
        "\"sasl.password\" = \"***\"",
        "\"ssl.key.pem\" = \"***\"",
        "\"ssl.key.location\" = \"/etc/key.pem\"",
        "\"linger.ms\" = \"5\"",
        "url = \"http://reader:***@localhost:8123/?x=1\"",
        "access_token = \"***\"",
        "key = \"order_id\"",
    ] {
        assert!(shown.lines().any(|found| found == line), "no line {line} in:\n{shown}");
    }
}

#[test]
fn what_was_read_as_a_secret_is_hidden_whatever_its_name() {
    #[derive(Deserialize)]
    struct Odd {
        pin: Option<Secret>,
    }
    let document = document("[odd]\npin = \"1234\"\n");
    let mut errors = ConfigErrors::default();
    let odd: Odd = document.section("odd", &mut errors).unwrap();
    assert_eq!(odd.pin.unwrap().expose(), "1234");
    assert_eq!(document.redacted(), "[odd]\npin = \"***\"\n");
}

#[test]
fn a_newtype_of_another_crate_can_be_a_secret_by_its_name() {
    #[derive(Deserialize)]
    #[serde(rename = "sarafan_runtime::config::Secret")]
    struct Password(String);
    #[derive(Deserialize)]
    struct Store {
        entry: Option<Password>,
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "hunter2\n").unwrap();
    let read = |text: &str| {
        let path = folder.path().join("sarafan.toml");
        std::fs::write(&path, text).unwrap();
        let document = Document::load(&path, "NO_SUCH_PREFIX").unwrap();
        let mut errors = ConfigErrors::default();
        let store: Option<Store> = document.section("store", &mut errors);
        document.finish(errors, &["store"]).unwrap();
        (store.unwrap().entry.unwrap().0, document.redacted())
    };
    let direct = read("[store]\nentry = \"1234\"\n");
    assert_eq!(direct, ("1234".to_owned(), "[store]\nentry = \"***\"\n".to_owned()));
    assert_eq!(read("[store]\nentry_file = \"secret\"\n").0, "hunter2");
}

#[test]
fn a_value_of_two_possible_forms_is_read_and_its_error_has_a_line() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Field {
        One(String),
        Several(Vec<String>),
    }
    #[derive(Deserialize)]
    struct Dimension {
        field: Field,
    }
    let document = document("[[d]]\nfield = \"a\"\n[[d]]\nfield = [\"a\", \"b\"]\n[[d]]\nfield = 3\n");
    let mut errors = ConfigErrors::default();
    let found: Vec<Field> = document.array_of_tables("d", &mut errors).into_iter().map(field_of).collect();
    assert_eq!(found, [Field::One("a".to_owned()), Field::Several(vec!["a".to_owned(), "b".to_owned()])]);
    let errors = document.finish(errors, &["d"]).unwrap_err().to_string();
    assert!(errors.starts_with("sarafan.toml:6: d[2].field: "), "{errors}");

    fn field_of(located: sarafan_runtime::config::Located<Dimension>) -> Field {
        located.value.field
    }
}
