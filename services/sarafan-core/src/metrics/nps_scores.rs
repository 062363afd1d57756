//! `nps_scores`: answers per survey, day and score; -1 is an answer without a score (METRICS 2).
//!
//! Population `responses` of any window or period is a sum over its days.

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

/// The key of answers without a score.
const NO_SCORE: i32 = -1;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for answer in &settled.answers {
        let score = answer.score.map_or(NO_SCORE, |score| score as i32);
        let keys = [answer.survey.number().cast_signed(), answer.day.number(), score];
        cells.add(Rollup::NpsScores, &answer.cuts, keys, [1]);
    }
}
