//! The section as a deployment's configuration file gives it.

use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_store::ClickHouseSection;

#[test]
fn the_password_may_lie_in_a_file_and_is_hidden_in_the_printed_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "hunter2\n").unwrap();
    let file = folder.path().join("sarafan.toml");
    std::fs::write(&file, "[clickhouse]\nurl = \"http://db:8123\"\npassword_file = \"secret\"\n").unwrap();
    let document = Document::load(&file, "NO_SUCH_PREFIX").unwrap();
    let mut errors = ConfigErrors::default();
    let section: Option<ClickHouseSection> = document.section("clickhouse", &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(section.unwrap().password.expose(), "hunter2");
    assert!(!document.redacted().contains("hunter2"));
}

#[test]
fn a_password_in_the_environment_is_text_whatever_it_looks_like() {
    let environment = [("SARAFAN__CLICKHOUSE__PASSWORD".into(), "12345".into())];
    let text = "[clickhouse]\nurl = \"http://db:8123\"\n";
    let document = Document::from_text_and_environment("a.toml", text, "SARAFAN", environment).unwrap();
    let mut errors = ConfigErrors::default();
    let section: Option<ClickHouseSection> = document.section("clickhouse", &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(section.unwrap().password.expose(), "12345");
    assert!(!document.redacted().contains("12345"));
}
