//! What stands in every page beside its figures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The charting library.
pub(super) const ECHARTS: &str = include_str!("assets/echarts/echarts.min.js");

/// The style sheet.
pub(super) const STYLE: &str = include_str!("assets/page.css");

/// Our script: what is common, one file per subject, and at last the one that draws.
pub(super) const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("assets/charts/common.js"),
    include_str!("assets/charts/nps.js"),
    include_str!("assets/charts/segments.js"),
    include_str!("assets/charts/repeat.js"),
    include_str!("assets/charts/value.js"),
    include_str!("assets/charts/draw.js"),
    "})();\n"
);

/// The content security policy: nothing is fetched, and no script runs but these two.
pub(super) fn policy() -> String {
    let scripts =
        [ECHARTS, SCRIPT].map(|script| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script))));
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
        scripts.join(" ")
    )
}
