//! What views show: the rule of `schemas/clickhouse/views/00_live.sql`, in which every view stands.

use std::collections::BTreeMap;

use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::table::Value;

use super::contents::{Row, number};
use super::tables::Tables;

/// Cells that views show of one partition: values by key (dimension, segment, keys of the rollup), zeros left out.
pub type Shown = BTreeMap<Vec<Value>, Vec<Value>>;

impl Tables {
    /// The live term of each partition in the table of a rollup: the highest with a marker of the current incarnation.
    pub fn live_terms(&self, epoch: Epoch, rollup: Rollup) -> BTreeMap<u16, (u32, u64)> {
        let state = self.lock();
        let mut live = BTreeMap::new();
        let Some(contents) = state.held.tables.get(rollup.spec().name) else { return live };
        let incarnation = contents.place("incarnation");
        for (_, _, row) in contents.rows() {
            let Some(head) = Head::of(row) else { continue };
            let current = number(row, incarnation) == i128::from(state.held.incarnation);
            if head.epoch == epoch.0 && head.marker && current {
                let highest = live.entry(head.partition).or_insert(head.rank);
                *highest = head.rank.max(*highest);
            }
        }
        live
    }

    /// The cells of a rollup that views show of an epoch, by partition. A partition without a live term is not in it.
    pub fn visible(&self, epoch: Epoch, rollup: Rollup) -> BTreeMap<u16, Shown> {
        let live = self.live_terms(epoch, rollup);
        let mut shown: BTreeMap<u16, Shown> =
            live.keys().map(|partition| (*partition, Shown::new())).collect();
        let state = self.lock();
        let Some(contents) = state.held.tables.get(rollup.spec().name) else { return shown };
        let keys = HEAD + 2 + rollup.spec().keys.len();
        let values = keys + rollup.spec().values.len();
        for (_, _, row) in contents.rows() {
            let Some(head) = Head::of(row) else { continue };
            if head.epoch != epoch.0 || head.marker || live.get(&head.partition) != Some(&head.rank) {
                continue;
            }
            let (Some(key), Some(values)) = (row.get(HEAD..keys), row.get(keys..values)) else { continue };
            if values.iter().any(|value| *value != Value::Int(0)) {
                shown.entry(head.partition).or_default().insert(key.to_vec(), values.to_vec());
            }
        }
        shown
    }
}

/// Columns before the cut: epoch, partition, term, owner, marker.
const HEAD: usize = 5;

struct Head {
    epoch: u64,
    partition: u16,
    rank: (u32, u64),
    marker: bool,
}

impl Head {
    fn of(row: &Row) -> Option<Self> {
        let [
            Value::Int(epoch),
            Value::Int(partition),
            Value::Int(term),
            Value::Int(owner),
            Value::Int(marker),
            ..,
        ] = &row[..]
        else {
            return None;
        };
        Some(Self {
            epoch: u64::try_from(*epoch).ok()?,
            partition: u16::try_from(*partition).ok()?,
            rank: (u32::try_from(*term).ok()?, u64::try_from(*owner).ok()?),
            marker: *marker != 0,
        })
    }
}
