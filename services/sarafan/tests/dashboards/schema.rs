//! Grafana's own description of a dashboard: the types of its published schema package, and a type checker that knows them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::files::dashboards;

const PACKAGE: &str = include_str!("schema/package.json");
const TYPES: &str = include_str!("schema/dashboard.ts");

fn run(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(program).args(arguments).current_dir(folder).output()
}

/// A folder with the packages, kept from run to run; `None` without npm or without what it fetches, with the reason printed.
fn checker() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grafana-schema");
    fs::create_dir_all(&folder).unwrap();
    let compiler = folder.join("node_modules/typescript/bin/tsc");
    let installed = folder.join("package.json");
    if !(compiler.is_file() && fs::read_to_string(&installed).is_ok_and(|text| text == PACKAGE)) {
        fs::write(&installed, PACKAGE).unwrap();
        // The versions are exact and need nothing else, so that there is nothing to lock.
        let arguments = ["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
        let failed = match run(&folder, "npm", &arguments) {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = failed {
            eprintln!("skipped: npm cannot fetch Grafana's schema package: {reason}");
            fs::remove_file(&installed).unwrap();
            return None;
        }
    }
    fs::write(folder.join("dashboard.ts"), TYPES).unwrap();
    Some(folder)
}

/// What the type checker says of modules with one dashboard each: (name, text of the dashboard).
fn complaints(folder: &Path, modules: &[(String, String)]) -> String {
    let file = |name: &str| format!("{name}.ts");
    for (name, dashboard) in modules {
        let checked = format!(
            "import type {{ Dashboard }} from './dashboard';\nexport default {} satisfies Dashboard;\n",
            dashboard.trim_end()
        );
        fs::write(folder.join(file(name)), checked).unwrap();
    }
    let options = [
        "node_modules/typescript/bin/tsc",
        "--noEmit",
        "--strict",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--moduleResolution",
        "node10",
    ];
    let files: Vec<String> = modules.iter().map(|(name, _)| file(name)).collect();
    let arguments: Vec<&str> = options.into_iter().chain(files.iter().map(String::as_str)).collect();
    let output = run(folder, "node", &arguments).unwrap();
    for file in &files {
        fs::remove_file(folder.join(file)).unwrap();
    }
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

#[test]
fn every_dashboard_is_one_by_grafanas_published_schema() {
    let Some(folder) = checker() else { return };
    let modules: Vec<_> =
        dashboards().into_iter().map(|dashboard| (dashboard.name, dashboard.text)).collect();
    let said = complaints(&folder, &modules);
    assert!(said.is_empty(), "{said}");
}

#[test]
fn an_option_that_grafana_does_not_know_is_found_at_any_depth() {
    let Some(folder) = checker() else { return };
    let executive = dashboards().into_iter().find(|dashboard| dashboard.name == "executive").unwrap().text;
    let spoiled = [
        ("\"refresh\":", "\"refreshes\":"),
        ("\"colorMode\": \"value\"", "\"colorMode\": \"values\""),
        ("\"lineWidth\": 2", "\"lineWidths\": 2"),
        ("\"custom.fillBelowTo\"", "\"custom.fillBelow\""),
        ("\"editorType\": \"sql\"", "\"editorType\": \"code\""),
        ("\"type\": \"barchart\"", "\"type\": \"barcharts\""),
    ];
    let modules: Vec<(String, String)> = spoiled
        .iter()
        .enumerate()
        .map(|(place, (right, wrong))| {
            assert!(executive.contains(right), "{right}");
            (format!("spoiled{place}"), executive.replacen(right, wrong, 1))
        })
        .collect();
    let said = complaints(&folder, &modules);
    for (name, _) in &modules {
        assert!(said.contains(&format!("{name}.ts(")), "{name} passes:\n{said}");
    }
}
