//! The proof sketch of the law names a test for each of its steps: they are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PROOF: &str = include_str!("../../src/law.md");

#[test]
fn every_test_that_the_proof_names_is_there() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = BTreeSet::new();
    gather(&services, &mut tests);
    let named: BTreeSet<&str> = PROOF.split('`').skip(1).step_by(2).filter(|name| is_test(name)).collect();
    assert!(named.len() > 50, "the proof names {named:?}");
    let missing: Vec<&&str> = named.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

#[test]
fn every_step_of_the_proof_names_a_test() {
    let (mut steps, mut without) = (0, Vec::new());
    for section in PROOF.split("\n# ").skip(1) {
        for step in
            section.split("\n\n").skip(1).filter(|part| part.starts_with(char::is_numeric)).flat_map(numbered)
        {
            steps += 1;
            let names = step.split('`').skip(1).step_by(2);
            if names.filter(|name| is_test(name)).count() == 0 {
                without.push(step);
            }
        }
    }
    assert!(steps >= 18, "{steps} steps");
    assert!(without.is_empty(), "{without:#?}");
}

/// The points of a list.
fn numbered(list: &str) -> Vec<String> {
    let mut points: Vec<String> = Vec::new();
    for line in list.lines() {
        match points.last_mut() {
            Some(point) if line.starts_with(' ') => point.push_str(line),
            _ => points.push(line.to_owned()),
        }
    }
    points
}

/// Names of tests are sentences.
fn is_test(name: &str) -> bool {
    name.matches('_').count() >= 3
        && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
}

/// The names of all functions that are tests, in sources below a folder.
fn gather(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            gather(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut marked = false;
            for line in fs::read_to_string(&path).unwrap().lines().map(str::trim) {
                let function =
                    line.trim_start_matches("pub(crate) ").trim_start_matches("async ").strip_prefix("fn ");
                if let (true, Some(function)) = (marked, function) {
                    tests.extend(function.split('(').next().map(str::to_owned));
                }
                let attribute = line.starts_with("#[") || line.starts_with("//");
                let test = ["#[test]", "#[tokio::test", "#[cfg_attr(not(feature = \"planted\"), test)]"];
                marked = test.iter().any(|test| line.starts_with(test)) || (marked && attribute);
            }
        }
    }
}
