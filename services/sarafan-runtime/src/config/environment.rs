//! Overrides from the environment: `SARAFAN__KAFKA__BROKERS`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::error::{ConfigError, ConfigErrorKind, ConfigErrors};
use super::node::{Content, Node, Origin, parse_override};

/// Between the parts of a name. One underscore is part of a key.
const SEPARATOR: &str = "__";

/// Puts every variable `PREFIX__...` in its place in `root`.
pub(super) fn apply(
    root: &mut Node,
    prefix: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    errors: &mut ConfigErrors,
) {
    let prefix = format!("{prefix}{SEPARATOR}");
    let mut overrides = BTreeMap::new();
    for (name, value) in environment {
        let Some((name, path)) = name.to_str().and_then(|name| Some((name, name.strip_prefix(&prefix)?)))
        else {
            continue;
        };
        let steps: Vec<String> = path.split(SEPARATOR).map(str::to_ascii_lowercase).collect();
        match value.into_string() {
            // Sorted, with numbers as numbers, so that the elements of an array come in their order.
            Ok(value) => {
                _ = overrides
                    .insert(steps.iter().map(|s| order(s)).collect(), (name.to_owned(), value, steps))
            }
            Err(_) => errors.push(refused(name, "", "its value is not UTF-8")),
        }
    }
    let overrides: BTreeMap<Vec<(usize, String)>, _> = overrides;
    for (name, value, steps) in overrides.into_values() {
        let place = descend(root, &steps, &name);
        match place {
            Ok(node) => *node = parse_override(&name, &value),
            Err(message) => errors.push(refused(&name, &steps.join("."), &message)),
        }
    }
}

fn order(step: &str) -> (usize, String) {
    (step.parse().unwrap_or(usize::MAX), step.to_owned())
}

fn refused(variable: &str, path: &str, message: &str) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Environment, variable.to_owned(), path, message)
}

/// The node that `steps` lead to; tables and arrays on the way are made when they are not there.
fn descend<'n>(node: &'n mut Node, steps: &[String], variable: &str) -> Result<&'n mut Node, String> {
    let Some((step, rest)) = steps.split_first() else { return Ok(node) };
    if step.is_empty() {
        return Err("a part of the name is empty".to_owned());
    }
    let fresh = || Node::new(empty_for(rest), Origin::Variable(variable.to_owned()));
    let next = match &mut node.content {
        Content::Table(entries) => entries.entry(step.clone()).or_insert_with(fresh),
        Content::Array(items) => {
            let index: usize =
                step.parse().map_err(|_| format!("`{step}` must be a number: it counts from 0"))?;
            if index == items.len() {
                items.push(fresh());
            }
            let length = items.len();
            items
                .get_mut(index)
                .ok_or_else(|| format!("there are only {length}, so the next one is number {length}"))?
        }
        _ => return Err(format!("`{step}` is below a value that is not a table")),
    };
    descend(next, rest, variable)
}

/// A number after a new name begins an array.
fn empty_for(rest: &[String]) -> Content {
    let is_index = rest.first().is_some_and(|step| step.parse::<usize>().is_ok());
    if is_index { Content::Array(Vec::new()) } else { Content::Table(BTreeMap::new()) }
}
