//! From a tree to the struct of a section, with every error found and located.

mod decoder;
mod problem;
mod secret_file;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::{ConfigError, ConfigErrorKind};
use super::node::{Node, Origin};
use super::place::KeyPath;

use decoder::Decoder;
pub(super) use problem::Problem;

/// The decoding of one section.
///
/// serde ends at the first error. So the section is decoded again and again, each time with the values that were at
/// fault so far replaced by a [`StandIn`](super::stand_in::StandIn), until nothing new is found.
#[derive(Debug)]
pub(super) struct Session<'a> {
    file: &'a str,
    /// Files of secrets are relative to it.
    folder: &'a Path,
    findings: RefCell<Findings>,
}

#[derive(Debug, Default)]
struct Findings {
    errors: Vec<ConfigError>,
    /// Keys whose value is replaced in the next attempt.
    replaced: BTreeSet<KeyPath>,
    secrets: BTreeSet<KeyPath>,
}

impl<'a> Session<'a> {
    pub(super) fn new(file: &'a str, folder: &'a Path) -> Self {
        Self { file, folder, findings: RefCell::default() }
    }

    /// Decodes `node`; `None` when there was any error.
    pub(super) fn decode<T: DeserializeOwned>(&self, node: &Node, path: KeyPath) -> Option<T> {
        loop {
            let attempt = T::deserialize(Decoder { node, path: path.clone(), session: self });
            let problem = match attempt {
                Ok(value) => return self.findings.borrow().errors.is_empty().then_some(value),
                Err(problem) => problem,
            };
            // A stand-in that is refused, or a section as a whole: nothing more can be learnt.
            if !self.report(&problem.located(&path, &node.origin)) || problem.is_at(&path) {
                return None;
            }
        }
    }

    /// Paths that were decoded as secrets.
    pub(super) fn secrets(&self) -> BTreeSet<KeyPath> {
        self.findings.borrow().secrets.clone()
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        self.findings.into_inner().errors
    }

    fn is_replaced(&self, path: &KeyPath) -> bool {
        self.findings.borrow().replaced.contains(path)
    }

    fn is_secret(&self, path: &KeyPath) {
        self.findings.borrow_mut().secrets.insert(path.clone());
    }

    fn unknown_key(&self, path: &KeyPath, origin: &Origin, hint: &str) {
        let message = format!("unknown key{hint}");
        self.push(ConfigError::at(ConfigErrorKind::UnknownKey, self.file, origin, path.to_string(), message));
    }

    fn conflict(&self, path: &KeyPath, origin: &Origin, name: &str, key: &str) {
        let message = format!("give either `{name}` or `{key}`, not both");
        self.push(ConfigError::at(
            ConfigErrorKind::InvalidValue,
            self.file,
            origin,
            path.to_string(),
            message,
        ));
    }

    /// Records a problem; false when its value had been replaced already.
    fn report(&self, problem: &problem::Located) -> bool {
        if !self.findings.borrow_mut().replaced.insert(problem.path.clone()) {
            return false;
        }
        let problem::Located { kind, origin, path, message } = problem;
        self.push(ConfigError::at(*kind, self.file, origin, path.to_string(), message.as_str()));
        true
    }

    /// Attempts find the same unknown keys again.
    fn push(&self, error: ConfigError) {
        let mut findings = self.findings.borrow_mut();
        if !findings.errors.contains(&error) {
            findings.errors.push(error);
        }
    }
}
