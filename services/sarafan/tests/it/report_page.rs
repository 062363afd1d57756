//! The page of `sarafan report --html`, looked at as people do: wide and on a phone, light, dark and on paper.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::ToSpan as _;

use crate::browser::{Browser, View};
use crate::world::{World, deploy, succeeded};

/// Everything that is wrong with how a page looks.
const CHECK: &str = include_str!("page_check.js");

const VIEWS: [View; 5] = [
    View { width: 1440, scheme: "light", media: "screen" },
    View { width: 1440, scheme: "dark", media: "screen" },
    View { width: 390, scheme: "light", media: "screen" },
    View { width: 390, scheme: "dark", media: "screen" },
    View { width: 800, scheme: "dark", media: "print" },
];

/// Set to a folder, for whoever wants to look at what the test has seen.
const PICTURES: &str = "SARAFAN_TEST_PICTURES";

/// Every complaint about a page, in every view, its tables closed and open.
fn problems(browser: &mut Browser, file: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for view in VIEWS {
        browser.open(file, view);
        for open in [false, true] {
            browser.evaluate(&format!(
                "document.querySelectorAll('details').forEach(details => {{ details.open = {open}; }})"
            ));
            browser.stretch(view);
            let found = browser.evaluate(CHECK);
            let found = found.as_array().unwrap().iter().map(|problem| problem.as_str().unwrap().to_owned());
            all.extend(found.map(|problem| format!("{view:?}, tables open: {open}: {problem}")));
            keep_picture(browser, file, view, open);
        }
        all.extend(browser.complaints().into_iter().map(|said| format!("{view:?}: console: {said}")));
    }
    all
}

fn keep_picture(browser: &mut Browser, file: &Path, view: View, open: bool) {
    let Some(folder) = std::env::var_os(PICTURES) else { return };
    let tables = if open { "-tables" } else { "" };
    let name = file.file_stem().unwrap().to_string_lossy();
    let name = format!("{name}-{}-{}-{}{tables}.png", view.width, view.scheme, view.media);
    std::fs::write(Path::new(&folder).join(name), STANDARD.decode(browser.picture()).unwrap()).unwrap();
}

#[test]
fn the_check_sees_what_is_wrong() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.html");
    let page = "<!doctype html><html lang='en'><style>:root { --grid: #ccc; --surface: #fff }</style>\
        <p style='font-size: 11px'>tiny</p><p style='color: #999; background: #fff'>pale</p>\
        <p style='width: 3000px; background: #eee; color: #000'>wide</p><div data-chart='none'></div>\
        <div data-chart='empty'><svg width='200' height='40'><path d='M0 0h99' stroke='#ccc'/></svg></div>\
        <div data-chart='crowded'><svg width='200' height='60'><text x='10' y='20'>one</text><text x='12' y='22'>two</text>\
        <text x='190' y='50'>far out</text><rect width='90' height='60' fill='#000'/><text x='20' y='50'>dark</text></svg></div>\
        <script>console.error('complaint'); undefined.field</script>";
    std::fs::write(&file, page).unwrap();
    let found = problems(&mut browser, &file);
    for expected in [
        "smaller than 12 px: \"tiny\"",
        "contrast 2.85: \"pale\"",
        "wider than the window",
        "none: not drawn",
        "empty: nothing is drawn",
        "empty: no text",
        "crowded: \"one\" and \"two\" overlap",
        "crowded: \"far out\" is cut off",
        "contrast 1.00: \"dark\"",
        "complaint",
        "TypeError",
    ] {
        for view in VIEWS {
            let seen = found
                .iter()
                .any(|problem| problem.starts_with(&format!("{view:?}")) && problem.contains(expected));
            assert!(seen, "{expected} in {view:?}: {found:#?}");
        }
    }
}

#[test]
fn the_page_of_the_simulated_shop_has_every_chart_and_nothing_wrong_with_it() {
    let Some(mut browser) = Browser::start() else { return };
    let text = std::fs::read_to_string(deploy("demo/shop.toml")).unwrap();
    let world = World::migrated("page", &text, &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    fill(&world);
    let past = world.today().checked_sub(60.days()).unwrap().to_string();
    let pages: [(&str, &[&str]); 3] = [
        ("whole.html", &[]),
        ("past.html", &["--dimension", "region", "--as-of", &past]),
        ("relationship.html", &["--survey", "relationship", "--dimension", "manager"]),
    ];
    for (name, choice) in pages {
        succeeded(&world.run(&[&["report", "--html", name], choice].concat(), b""));
        let found = problems(&mut browser, &world.folder().join(name));
        assert!(found.is_empty(), "{name}: {found:#?}");
        let charts = browser.evaluate(
            "[...document.querySelectorAll('[data-chart]')].map(c => c.dataset.chart).sort().join()",
        );
        assert_eq!(
            charts, "activity,at-age,cohorts,curves,funnel,ltv,nps-groups,nps-scores,nps-segments,nps-trend",
            "{name}"
        );
        let marked = browser.evaluate("document.body.innerText.match(/SYNTHETIC/g).length");
        assert_eq!(marked, 11, "{name}: the page and every chart say what they are of");
    }
    aggregator.stop();
}

/// A small shop with a year behind it, in the views.
fn fill(world: &World) {
    succeeded(&world.run(&["simulate", "--customers", "900", "--days", "460"], b""));
    let topics: Vec<_> = world.deployment.mapping.topics().map(str::to_owned).collect();
    let written: usize = topics.iter().map(|topic| world.read(topic).len()).sum();
    let ingest = world.start("ingest", "ingest", &[]);
    world.wait_until("ingest has read everything", || {
        ingest.metric(sarafan_ingest::RECORDS, &[]) >= written as f64
    });
    ingest.stop();
    world.wait_for_views(1);
}
