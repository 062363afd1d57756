//! What a panel that refreshes by itself may read.

use std::collections::BTreeSet;
use std::fs;

use crate::files::{dashboards, list, repository, text};

/// Names in backticks, without their arguments.
fn names(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(|name| name.split('(').next().unwrap_or_default().to_owned()).collect()
}

/// Views that are answered from rollups (budget R of VIEWS.md).
fn cheap() -> BTreeSet<String> {
    let document = fs::read_to_string(repository("schemas/VIEWS.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| `") && line.ends_with(" |"));
    let mut cheap = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let budget = cells.last().copied().unwrap_or_default();
        if budget.starts_with('R') {
            let all = cells.iter().flat_map(|cell| names(cell));
            cheap.extend(all.filter(|name| !(name.ends_with("_at") && budget.contains("_at F"))));
        }
    }
    cheap
}

/// Views that a query reads.
fn read(sql: &str) -> BTreeSet<String> {
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    sql.split("${database}.").skip(1).map(|rest| rest[..end(rest)].to_owned()).collect()
}

#[test]
fn what_refreshes_by_itself_reads_rollups_alone() {
    let cheap = cheap();
    for name in ["nps", "nps_at", "ltv", "sales_daily", "deployment", "benchmarks"] {
        assert!(cheap.contains(name), "VIEWS.md: {name} is not among {cheap:?}");
    }
    assert!(
        !cheap.contains("customers") && !cheap.contains("repeat_funnel_at") && !cheap.contains("nps_between")
    );
    let mut refreshing = 0;
    for dashboard in dashboards() {
        if text(&dashboard.json, "refresh").is_empty() {
            continue;
        }
        refreshing += 1;
        for panel in dashboard.panels() {
            for target in list(panel, "targets") {
                let read = read(text(target, "rawSql"));
                assert!(read.is_subset(&cheap), "{}: {:?}", dashboard.place(panel), read.difference(&cheap));
            }
        }
    }
    assert_eq!(refreshing, 2);
}

#[test]
fn dashboards_read_views_that_there_are() {
    let known: String =
        crate::files::texts("schemas/clickhouse/views", "sql").into_iter().map(|(_, text)| text).collect();
    for dashboard in dashboards() {
        let targets = dashboard.panels().into_iter().flat_map(|panel| list(panel, "targets"));
        let queries = targets
            .map(|target| text(target, "rawSql"))
            .chain(dashboard.variables().iter().map(|v| text(v, "query")));
        for view in queries.flat_map(read) {
            assert!(
                known.contains(&format!("VIEW {{views}}.{view}\n")),
                "{}: there is no view {view}",
                dashboard.name
            );
        }
    }
}
