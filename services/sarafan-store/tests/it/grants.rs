//! deploy/clickhouse/grafana.xml: what people wrote is for the role `pii` alone.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{empty, run};

const TABLE: &str = "details";

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The statements of a role or a user.
fn grants(role: &str) -> Vec<String> {
    let file = text("deploy/clickhouse/grafana.xml");
    let (roles, users) = file.split_once("<users>").unwrap();
    let section = if role == "grafana" { users } else { roles };
    let (_, rest) = section.split_once(&format!("<{role}>")).unwrap();
    let (_, rest) = rest.split_once("<grants>").unwrap();
    let (body, _) = rest.split_once("</grants>").unwrap();
    let queries =
        body.split("<query>").skip(1).map(|query| query.split_once("</query>").unwrap().0.to_owned());
    queries.collect()
}

/// The views that read what people wrote.
fn personal_views() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/clickhouse/views");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for view in file.split("CREATE OR REPLACE VIEW ").skip(1) {
            let name = view.split_whitespace().next().unwrap();
            if view.contains(&format!("{{store}}.{TABLE}")) {
                found.insert(name.strip_prefix("{views}.").expect("a private view reads it").to_owned());
            }
        }
    }
    found
}

#[test]
fn readers_get_every_view_but_those_of_what_people_wrote() {
    let personal = personal_views();
    assert_eq!(personal.len(), 2, "{personal:?}");
    for (views, store) in [("sarafan", "sarafan_store"), ("demo_shop", "demo_shop_store")] {
        let all: BTreeSet<String> = personal
            .iter()
            .map(|view| format!("{views}.{view}"))
            .chain([format!("{store}.{TABLE}")])
            .collect();
        let of = |role: &str, before: &str| -> BTreeSet<String> {
            let of_these = |name: &&str| name.split('.').next().is_some_and(|db| db == views || db == store);
            grants(role)
                .iter()
                .filter_map(|query| query.strip_prefix(before))
                .filter(of_these)
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(of("reader", "GRANT SELECT ON "), [format!("{views}.*"), format!("{store}.*")].into());
        assert_eq!(of("reader", "REVOKE SELECT ON "), all);
        assert_eq!(of("pii", "GRANT SELECT ON "), all);
    }
}

#[tokio::test]
async fn every_grant_is_one_that_clickhouse_reads() {
    let store = empty();
    let queries: Vec<String> = ["reader", "pii", "grafana"].into_iter().flat_map(grants).collect();
    assert!(queries.len() > 20, "{queries:?}");
    for query in queries {
        let whom = if query.starts_with("REVOKE") { "FROM somebody" } else { "TO somebody" };
        run(&store, &format!("EXPLAIN AST {query} {whom}")).await;
    }
}
