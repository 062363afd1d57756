//! The files of dashboards, and their parts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One file.
pub(crate) struct Dashboard {
    /// Name of the file, without its ending.
    pub(crate) name: String,
    /// What stands in it, as text and read.
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// Values of variables, several of those that may have several.
pub(crate) type Variables = BTreeMap<String, Vec<String>>;

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The texts of all files of a folder with that ending, in the order of their names.
pub(crate) fn texts(folder: &str, ending: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// All dashboards.
pub(crate) fn dashboards() -> Vec<Dashboard> {
    let files = texts("grafana/dashboards", "json");
    assert!(!files.is_empty());
    let read = |(name, text): (String, String)| {
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        Dashboard { name, text, json }
    };
    files.into_iter().map(read).collect()
}

/// A list in a file; an empty one where there is none.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// A text in a file; the empty one where there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

impl Dashboard {
    /// Its panels, those in collapsed rows too, without the rows themselves.
    pub(crate) fn panels(&self) -> Vec<&Value> {
        let all = list(&self.json, "panels")
            .iter()
            .flat_map(|panel| std::iter::once(panel).chain(list(panel, "panels")));
        all.filter(|panel| panel["type"] != "row").collect()
    }

    /// Its variables.
    pub(crate) fn variables(&self) -> &[Value] {
        list(&self.json["templating"], "list")
    }

    /// What to call a panel in a message.
    pub(crate) fn place(&self, panel: &Value) -> String {
        format!("{}.json, panel {} \"{}\"", self.name, panel["id"], text(panel, "title"))
    }
}

/// Every text in a value, at any depth.
pub(crate) fn all_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(all_texts).collect(),
        Value::Object(fields) => fields.values().flat_map(all_texts).collect(),
        _ => Vec::new(),
    }
}

/// What stands between `${` and `}`, in order: names of variables with their formats.
pub(crate) fn references(text: &str) -> Vec<&str> {
    text.split("${").skip(1).map(|rest| &rest[..rest.find('}').expect("an open ${")]).collect()
}

/// A text with the variables put in as Grafana and the ClickHouse plugin do: `${v}` is the value as it is, or, of a variable
/// that may have several, each in quotes; `${v:sqlstring}` each in quotes with quotes doubled.
pub(crate) fn interpolate(text: &str, variables: &Variables) -> String {
    let mut filled = text.to_owned();
    for reference in references(text) {
        let (name, format) = reference.split_once(':').unwrap_or((reference, ""));
        let values = variables.get(name).unwrap_or_else(|| panic!("no variable {name} in: {text}"));
        let quoted = |value: &String| format!("'{}'", value.replace('\'', "''"));
        let value = match format {
            "sqlstring" => values.iter().map(quoted).collect::<Vec<_>>().join(","),
            "" if values.len() == 1 => values[0].clone(),
            "" => format!("'{}'", values.join("','")),
            other => panic!("the format {other} has no place in a query: {text}"),
        };
        filled = filled.replace(&format!("${{{reference}}}"), &value);
    }
    filled
}
