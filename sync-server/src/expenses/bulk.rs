//! Many expenses in one request. Each row goes in or does not by itself, and is reported.

use std::collections::HashSet;

use outlay_ledger::DocumentId;
use outlay_ledger::field::Thing;
use outlay_ledger::text::normalize;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::draft::{Draft, Drafted, Refusal};
use super::input::ExpenseIn;

/// Rows of one request: with what they name they fit one commit of a thousand records.
const ROWS_MAX: usize = 500;
/// Bytes of what a program calls an expense.
const EXTERNAL_ID_BYTES_MAX: usize = 256;
/// What kind of fact an expense is that another program has a name for.
const DOMAIN: &str = "external";

/// The rows, each looked at by itself.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkIn {
    #[schema(value_type = Vec<ExpenseIn>, min_items = 1, max_items = 500)]
    expenses: Vec<Value>,
}

/// What became of them.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct BulkOut {
    added: u64,
    duplicates: u64,
    rejected: u64,
    rows: Vec<RowOut>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkRow)]
#[serde(tag = "status", rename_all = "lowercase")]
enum RowOut {
    Added {
        id: String,
    },
    /// One with its `external_id` is there, be it in the trash.
    Duplicate {
        id: String,
    },
    Rejected {
        reason: String,
    },
}

/// Drafts the rows.
pub(super) fn add(draft: &mut Draft<'_>, bulk: &BulkIn) -> Drafted<BulkOut> {
    if bulk.expenses.is_empty() || bulk.expenses.len() > ROWS_MAX {
        return Err(Refusal::Invalid(format!("1 to {ROWS_MAX} rows")));
    }
    let (mut out, mut drafted) = (BulkOut::default(), HashSet::new());
    for row in &bulk.expenses {
        let row = match add_row(draft, row, &mut drafted) {
            Ok(row) => row,
            Err(Refusal::Invalid(reason)) => RowOut::Rejected { reason },
            Err(refusal) => return Err(refusal),
        };
        match &row {
            RowOut::Added { .. } => out.added += 1,
            RowOut::Duplicate { .. } => out.duplicates += 1,
            RowOut::Rejected { .. } => out.rejected += 1,
        }
        out.rows.push(row);
    }
    Ok(out)
}

fn add_row(draft: &mut Draft<'_>, row: &Value, drafted: &mut HashSet<DocumentId>) -> Drafted<RowOut> {
    // What the reader says of a row may repeat what is in it.
    let row = ExpenseIn::deserialize(row).map_err(|_| Refusal::Invalid("the row is no expense".to_owned()))?;
    let Some(external_id) = &row.external_id else {
        let puts = row.puts(draft)?;
        return Ok(RowOut::Added { id: draft.create(puts)?.to_string() });
    };
    let external_id = normalize(external_id, EXTERNAL_ID_BYTES_MAX)
        .ok()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::Invalid(format!("external_id has 1 to {EXTERNAL_ID_BYTES_MAX} bytes")))?;
    let id = draft.fact(DOMAIN, &external_id);
    if drafted.contains(&id) || draft.has_entry(&id)? {
        return Ok(RowOut::Duplicate { id: id.to_string() });
    }
    let puts = row.puts(draft)?;
    draft.create_fact(id, Thing::Expense, puts)?;
    drafted.insert(id);
    Ok(RowOut::Added { id: id.to_string() })
}
