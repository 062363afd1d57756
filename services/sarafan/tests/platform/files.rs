//! What the tests of Compose and of the chart have in common.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sarafan_cli::Deployment;
use sarafan_localstack::Checker;
use sarafan_runtime::config::Document;
use serde_json::Value;

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The YAML documents of a text.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The program, or nothing and a line on the real standard error (the one of a test is shown only when it fails).
pub(crate) fn found(checker: anyhow::Result<Checker>) -> Option<PathBuf> {
    match checker.unwrap() {
        Checker::Program(program) => Some(program),
        Checker::Missing(line) => {
            std::io::stderr().write_all(format!("skipped: {line}\n").as_bytes()).unwrap();
            None
        }
    }
}

/// What `sarafan` makes of a configuration under an environment that it is deployed with.
pub(crate) fn deployed(toml: &str, environment: &[(String, String)]) -> Deployment {
    let variables = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let document = Document::from_text_and_environment("sarafan.toml", toml, "SARAFAN", variables).unwrap();
    Deployment::of(document).unwrap()
}

/// The elements of an array, or none.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The strings of an array.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    items(value).iter().filter_map(Value::as_str).collect()
}
