//! Rollups and derived columns, recounted.

use sarafan_core::rollup::Rollup;
use sarafan_store::{Compared, DERIVED, Recount, Scope};

use super::{Audit, Finding, Live};

/// What is recounted: derived columns first, because cells follow from the same facts.
pub(super) fn names() -> Vec<&'static str> {
    DERIVED.into_iter().chain(Rollup::ALL.map(|rollup| rollup.spec().name)).collect()
}

impl Audit<'_> {
    /// Recounts a table, slice by slice.
    pub(super) async fn figures(&self, name: &str, slices: &[Scope]) -> anyhow::Result<Finding> {
        let mut finding = Finding { check: name.to_owned(), ..Finding::default() };
        for slice in slices {
            let found = self.settled(name, slice, async |live| self.recount(name, slice, live).await).await?;
            finding.add(found);
        }
        Ok(finding)
    }

    async fn recount(&self, name: &str, slice: &Scope, live: &Live) -> anyhow::Result<Compared> {
        let terms = live.terms();
        let definitions = &self.deployment.definitions;
        let what = Recount { scope: slice.clone(), definitions, terms: &terms };
        Ok(match Rollup::ALL.into_iter().find(|rollup| rollup.spec().name == name) {
            Some(rollup) => self.store.recount_cells(rollup, &what).await?,
            None => self.store.recount_rows(name, &what).await?,
        })
    }
}
