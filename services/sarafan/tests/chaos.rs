//! Faults on real processes, and the account of what came of them. The mix of all faults is a command of its own;
//! here stands that its verdict can be trusted.

// A helper of a test may fail it as the test itself may; clippy knows only the functions marked as tests.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// The exit code, what it printed and what it noted.
fn chaos(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sarafan"));
    let output = command.arg("chaos").args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_is_lost_double_or_wrong_is_found_after_a_fault_that_does_none_of_it() {
    let arguments = ["--fault", "kill-aggregator", "--times", "1", "--seed", "3", "--rate", "60"];
    let (code, said, noted) = chaos(&arguments);
    assert_eq!(code, Some(0), "{said}\n{noted}");
    assert!(said.contains(" 0/0/0 ") && noted.contains("recovered in "), "{said}\n{noted}");

    let (code, said, noted) = chaos(&[&arguments[..], &["--spoil"]].concat());
    assert_eq!(code, Some(1), "{said}\n{noted}");
    for found in ["lost: entity of refunds ", "double: entity of refunds ", "wrong: sales_daily "] {
        assert!(noted.contains(found), "{found}: {noted}");
    }
    assert!(noted.contains("lost/double/wrong 1/1/"), "{noted}");
    let kept = noted.lines().find_map(|line| line.trim().strip_prefix("logs and data are in ")).unwrap();
    assert!(std::path::Path::new(kept).join("aggregator-1.log").is_file(), "{kept}");
    std::fs::remove_dir_all(kept).unwrap();
}
