//! What the tables say of records themselves: ids under two keys, dead letters without a row.

use sarafan_store::{Compared, Conflict, Difference, Scope};

use super::{Audit, Finding, Live};

impl Audit<'_> {
    /// The same id alive under two keys is counted twice: the source has to say which is right. An order that moves from one
    /// customer to another is under both for a moment, until the later of two partitions has read it.
    pub(super) async fn conflicts(&self, whole: &Scope) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (table, check) in [("orders", "identity of orders"), ("survey_responses", "identity of answers")]
        {
            let look = async |_: &Live| {
                let found = self.store.conflicts(table, whole.epoch).await?;
                let difference = |conflict: Conflict| Difference {
                    place: conflict.id,
                    held: format!("alive under {}", conflict.keys.join(" and ")),
                    recounted: "one key".to_owned(),
                    version: 0,
                };
                let examples: Vec<Difference> = found.into_iter().map(difference).collect();
                let differing = examples.len() as u64;
                Ok(Compared { compared: differing, differing, examples })
            };
            findings.push(self.settled(check, whole, look).await?);
        }
        Ok(findings)
    }

    /// Every dead letter before the index's committed offset has its row: rows are written before the commit.
    pub(super) async fn dead_letters(&self) -> anyhow::Result<Finding> {
        const CHECK: &str = "index of dead letters";
        let topic = &self.deployment.topics.dead_letters;
        let Some(info) = self.admin.describe(topic).await? else {
            return Ok(Finding::left_out(CHECK, format!("topic {topic} does not exist")));
        };
        let committed = self.admin.committed(&self.deployment.groups.dead_letters, topic).await?;
        let (mut compared, mut differences) = (0, Vec::new());
        for (partition, ends) in (0..).zip(&info.partitions) {
            let until = committed.get(&partition).copied().unwrap_or(ends.low).min(ends.high);
            let found = self.store.missing_letters(partition, ends.low, until).await?;
            compared += until.saturating_sub(ends.low).max(0).cast_unsigned();
            differences.extend(found.into_iter().map(|offset| Difference {
                place: format!("{topic} partition {partition} offset {offset}"),
                held: "no row".to_owned(),
                recounted: "a dead letter".to_owned(),
                version: 0,
            }));
        }
        Ok(Finding::of(CHECK, compared, differences))
    }
}
