//! What can be typed about insights.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::InLedger;

#[derive(Debug, Args)]
pub(crate) struct Insights {
    /// As of this date: 2026-11-02, yesterday, -3d; later entries do not count [default: today]
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(crate) on: Option<String>,
    /// A category that is no spending, with all below it, such as savings; may be repeated
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) leave_out: Vec<String>,
    /// Draw months, phases and the rhythm map of each currency into this folder, as SVG
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// Who was paid
    pub(crate) payee: String,
    /// How much: 12.50 in the ledger's currency, or "12.50 USD"
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) amount: Option<String>,
    /// The account
    #[arg(long, short)]
    pub(crate) account: Option<String>,
    /// The note
    #[arg(long, short)]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Commitments {
    /// List payments that come back
    List {
        /// Those that were dismissed, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Say that a payment that comes back is a commitment; it is named in forecasts then
    Confirm(Commitment),
    /// Say that it is none; it is not shown any more
    Dismiss(Commitment),
    /// Take back what was said of it
    Undecide(Commitment),
}

#[derive(Debug, Args)]
pub(crate) struct Commitment {
    /// By name, or by the id of one of its payments or the first digits of it
    pub(crate) commitment: String,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}
