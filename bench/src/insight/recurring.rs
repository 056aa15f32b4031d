//! Payments that come back: the rows of each.

use std::collections::BTreeMap;
use std::fmt::Write;

use outlay_insight::recurring::{Commitment, recurring};
use outlay_insight::wording::{Names, patterns};
use outlay_ledger::DocumentId;

use super::household::Household;
use super::say;

/// `line,series` for every row that is one of the payments of a commitment, as found on the day of the last row, and the
/// commitments in words, printed.
pub(super) fn answers(household: &Household) -> String {
    let rows = household.spending();
    let lines: BTreeMap<DocumentId, u64> = household.rows.iter().map(|line| (line.spend.id, line.line)).collect();
    let found = rows.last().map_or_else(Vec::new, |last| recurring(&rows, last.date, &[]));
    let mut answers = String::from("line,series\n");
    for (series, commitment) in found.iter().enumerate() {
        for line in commitment.payments.iter().filter_map(|payment| lines.get(&payment.entry)) {
            let _ = writeln!(answers, "{line},{series}");
        }
    }
    say(said(&found, household.names()));
    answers
}

fn said(found: &[Commitment], names: &Names) -> String {
    let mut said = String::new();
    for commitment in found {
        let _ = writeln!(said, "recurring: {}", patterns::commitment(commitment, names).join(" "));
    }
    said
}
