//! `nps_invitations`: invitations per survey and day, delivered and answered ones among them (METRICS 2, response rate).

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for invitation in &settled.invitations {
        let keys = [invitation.survey.number().cast_signed(), invitation.day.number()];
        let values = [1, i128::from(invitation.delivered), i128::from(invitation.answered)];
        cells.add(Rollup::NpsInvitations, &invitation.cuts, keys, values);
    }
}
