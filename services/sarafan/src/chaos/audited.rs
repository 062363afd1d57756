//! What `sarafan audit --deep` says of the tables at the end. It knows neither the shop's files nor the oracle: a third
//! opinion, by the way that is open to an operator.

use std::time::Duration;

use anyhow::Context as _;

use super::site::Site;
use crate::audit::{Audit, Extent, Finding};
use crate::terminal;

/// How long a difference may move: nothing is written any more, but a busy machine flushes late.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than a run has: every partition in one query.
const ENTITIES_AT_ONCE: u64 = 2_000_000;
/// A server that ends in the middle of an audit is started again, and asked again.
const ATTEMPTS: u32 = 3;
/// How many differences of a check are told.
const TOLD: usize = 3;

/// The differences that an audit of everything finds, a line each.
pub(super) fn audited(site: &Site) -> anyhow::Result<Vec<String>> {
    let extent = Extent { deep: true, patience: PATIENCE, entities_at_once: ENTITIES_AT_ONCE };
    let mut attempt = 1;
    let findings = loop {
        let audit = Audit::new(&site.deployment, extent.clone())?;
        match site.block_on(audit.run(|_, _, _| {})) {
            Ok(findings) => break findings,
            Err(error) if attempt == ATTEMPTS => return Err(error).context("audit everything"),
            Err(error) => terminal::note(format!("  the audit begins again: {error:#}")),
        }
        attempt += 1;
        site.revive()?;
    };
    Ok(findings.iter().flat_map(told).collect())
}

/// A check that was left out has found nothing, and so counts as one that is not clean; so does one that did not come to rest.
fn told(finding: &Finding) -> Vec<String> {
    let Finding { check, differing, moving, differences, left_out, .. } = finding;
    let mut lines = Vec::new();
    if *differing > 0 {
        lines.push(format!("{check}: {differing} differ"));
        let examples = differences.iter().take(TOLD);
        lines.extend(
            examples.map(|found| {
                format!("{check}: {}: {}, should be {}", found.place, found.held, found.recounted)
            }),
        );
    }
    if *moving > 0 {
        lines.push(format!("{check}: {moving} still moving after {} s", PATIENCE.as_secs()));
    }
    if !left_out.is_empty() {
        lines.push(format!("{check}: left out: {left_out}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_moves_or_was_left_out_is_not_clean() {
        let clean = Finding { check: "orders".to_owned(), compared: 9, ..Finding::default() };
        assert!(told(&clean).is_empty());
        for other in [
            Finding { differing: 1, ..clean.clone() },
            Finding { moving: 1, ..clean.clone() },
            Finding { left_out: "no topic".to_owned(), ..clean },
        ] {
            assert_eq!(told(&other).len(), 1, "{other:?}");
        }
    }
}
