//! What can be typed. Only the form is judged here (wrong usage, exit code 2); what a value means is judged by the
//! command (an amount that is not money is exit code 1).

mod account;
mod insight;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use outlay_core::INVITATION_DAYS_MAX;

pub(crate) use account::{Devices, SignIn, SignOut, SignUp, Sync};
pub(crate) use insight::{Commitment, Commitments, Insights, Suggest};

/// Records, imports, searches and totals expenses on this device, with or without a network, and syncs them.
#[derive(Debug, Parser)]
#[command(name = "outlay", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// The folder of the database [default: $OUTLAY_HOME, else outlay in the platform's folder for data]
    #[arg(long, global = true, value_name = "DIR", display_order = 100)]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON object for each thing instead of tables
    #[arg(long, global = true, display_order = 101)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the home folder and an empty database
    Init(Init),
    /// Ledgers: make one, list them, say which is the default, and who shares one
    #[command(subcommand)]
    Ledger(Ledger),
    /// Add an expense, an income or a transfer
    Add(Add),
    /// Change fields of an entry; an empty text clears a field
    Edit(Edit),
    /// Put an entry into the trash
    Rm(Id),
    /// Take an entry out of the trash
    Restore(Id),
    /// List entries
    List(Filter),
    /// Find entries whose payee, note or tags have words that begin with the given ones
    Search(Search),
    /// Totals, with bars
    #[command(subcommand)]
    Report(Report),
    /// What the entries show: what a month costs, what comes back, what is odd, what changed
    Insights(Insights),
    /// The category that you would file an entry under, if your past ones say so
    Suggest(Suggest),
    /// Payments that come back: list them, and say which are commitments
    #[command(subcommand)]
    Commitments(Commitments),
    /// Import a CSV of a bank or an app, or a JSON Lines export
    Import(Import),
    /// Write all entries of a ledger as JSON Lines (with the signed commits) or as CSV
    Export(Export),
    /// Attach a file to an entry, a receipt for example
    Attach(Attach),
    /// Take a file off an entry
    Detach(Detach),
    /// List the files of an entry, and which of them are on this device
    Attachments(Id),
    /// Bring a file of an entry onto this device, and write it where you want it
    Fetch(Fetch),
    /// List fields that hold several values
    Conflicts(Conflicts),
    /// Settle a conflict
    Resolve(Resolve),
    /// What was done to an entry, by whom and when
    History(Id),
    /// Undo the last action of this device, a whole import too
    Undo,
    /// Write a copy of the database while it is in use
    Backup(Backup),
    /// Check the database, rebuild what can be rebuilt, and say what was found
    Doctor,
    /// Print this device's key, by which another device of yours can admit it
    Device,
    /// Make an account on a server and sign this device in to it; `sync` then sends up what is here
    Signup(SignUp),
    /// Sign this device in to your account; `sync` then brings all of its ledgers
    Login(SignIn),
    /// Sign this device out; what is on it stays, unless it is wiped
    Signout(SignOut),
    /// Send what is new here, and get what is new from your other devices
    Sync(Sync),
    /// List the devices of your account
    Devices(Devices),
    /// What is stored on the server, what is only here and why, and what is waited for
    Status,
    /// Print completions for a shell
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The currency of ledgers made without one, such as EUR
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Make a ledger
    Create {
        name: String,
        /// Its currency, such as EUR [default: that of init, else that of the locale]
        #[arg(long, value_name = "CODE")]
        currency: Option<String>,
    },
    /// List the ledgers of this device
    List,
    /// Let another device of yours write to a ledger
    Admit {
        /// The key that `outlay device` prints there
        device: String,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Make a ledger the one that is meant when none is named
    Use {
        /// Its id or name
        ledger: String,
    },
    /// Invite somebody into a ledger: prints a code that one person can use, once
    Invite {
        /// What he may do
        #[arg(long, value_enum, default_value_t)]
        role: Rights,
        /// For how many days the code is good
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=i64::from(INVITATION_DAYS_MAX)))]
        days: u16,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// List the invitations that nobody has used, or take one back
    Invitations {
        /// Let nobody in by this one any more: its key, or the first digits of that
        #[arg(long, value_name = "KEY")]
        take_back: Option<String>,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Join a ledger by a code that its owner has sent
    Join {
        /// What `outlay ledger invite` printed there
        code: String,
    },
    /// Add a member by the key of his device, as one who was removed and comes back
    Add {
        /// The key that `outlay device` prints there
        device: String,
        /// What he may do
        #[arg(long, value_enum, default_value_t)]
        role: Rights,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// List who shares a ledger
    Members {
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Say what you are called in a ledger
    Name {
        name: String,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Give a member another role
    Role {
        /// The member, by name, by id or by the first digits of it
        member: String,
        #[arg(value_enum)]
        role: Rights,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Make another member the owner; you are an editor from then on
    Transfer {
        /// The member, by name, by id or by the first digits of it
        member: String,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Remove a member; what he wrote so far stays
    Remove {
        /// The member, by name, by id or by the first digits of it
        member: String,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Leave a ledger; what is on this device stays
    Leave {
        #[command(flatten)]
        ledger: InLedger,
    },
    /// List what was set aside: what a member wrote before he knew that he was removed or demoted
    Aside {
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Let what was set aside count
    Accept {
        /// Commits that `outlay ledger aside` lists, by id or by the first digits of it [default: all]
        commits: Vec<String>,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// Make a device that logged in a full one, which may do all that its member may
    Confirm {
        /// The device, by its key or the first digits of that
        device: String,
        #[command(flatten)]
        ledger: InLedger,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InLedger {
    /// The ledger, by id or name [default: the default one]
    #[arg(long, value_name = "LEDGER")]
    pub(crate) ledger: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// How much: 12.50 in the ledger's currency, or "12.50 USD"
    #[arg(value_parser = amount_like, allow_hyphen_values = true)]
    pub(crate) amount: String,
    /// Who was paid, or who paid
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) payee: String,
    /// A category, or a path such as Food:Snacks; made when there is none
    #[arg(long, short)]
    pub(crate) category: Option<String>,
    /// 2026-11-02, today, yesterday, -3d, or a weekday: the last one [default: today]
    #[arg(long, short, allow_hyphen_values = true)]
    pub(crate) date: Option<String>,
    /// An account; of a transfer, the one that gives; made when there is none
    #[arg(long, short)]
    pub(crate) account: Option<String>,
    /// Of a transfer, the account that gets
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) to_account: Option<String>,
    /// A note
    #[arg(long, short)]
    pub(crate) note: Option<String>,
    /// A tag; may be repeated
    #[arg(long, short)]
    pub(crate) tag: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kind: Kind,
    /// The local time, such as 18:05
    #[arg(long)]
    pub(crate) time: Option<String>,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The entry, by id or by the first digits of it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) change: Change,
}

/// At least one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Change {
    /// How much: 12.50 in the currency it has, or "12.50 USD"
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) amount: Option<String>,
    /// Who was paid, or who paid
    #[arg(long)]
    pub(crate) payee: Option<String>,
    /// A category, or a path such as Food:Snacks; made when there is none
    #[arg(long, short)]
    pub(crate) category: Option<String>,
    /// 2026-11-02, today, yesterday, -3d, or a weekday: the last one
    #[arg(long, short, allow_hyphen_values = true)]
    pub(crate) date: Option<String>,
    /// An account; of a transfer, the one that gives
    #[arg(long, short)]
    pub(crate) account: Option<String>,
    /// Of a transfer, the account that gets
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) to_account: Option<String>,
    /// A note
    #[arg(long, short)]
    pub(crate) note: Option<String>,
    /// A tag, in place of those it has; may be repeated
    #[arg(long, short)]
    pub(crate) tag: Vec<String>,
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// The local time, such as 18:05
    #[arg(long)]
    pub(crate) time: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Id {
    /// The entry, by id or by the first digits of it
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words, or beginnings of words
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// From this date on
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Up to and with this date
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// In this month, such as 2026-11
    #[arg(long, short)]
    pub(crate) month: Option<String>,
    /// In this category or one below it
    #[arg(long, short)]
    pub(crate) category: Option<String>,
    /// On this account
    #[arg(long, short)]
    pub(crate) account: Option<String>,
    /// With exactly this payee
    #[arg(long, short)]
    pub(crate) payee: Option<String>,
    /// With this tag
    #[arg(long, short)]
    pub(crate) tag: Option<String>,
    /// Of this kind
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// Of at least this amount
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) min: Option<String>,
    /// Of at most this amount
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) max: Option<String>,
    /// At most so many [default: 50 in a table, all with --json]
    #[arg(long, short, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// After this entry: the last one of the page before
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// What is in the trash instead of what is not
    #[arg(long)]
    pub(crate) deleted: bool,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sort: Sort,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// What was spent and earned in a month, by category
    Month {
        /// The month, such as 2026-11 [default: this one]
        month: Option<String>,
        #[command(flatten)]
        ledger: InLedger,
    },
    /// What was spent and earned in a year, by month
    Year {
        /// The year, such as 2026 [default: this one]
        year: Option<u16>,
        #[command(flatten)]
        ledger: InLedger,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file; `-` for standard input. What it is, is decided by what is in it
    pub(crate) file: PathBuf,
    /// Say what would happen and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What the columns mean: the name of a saved profile, or a file of JSON
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Keep what the columns of this file mean, under a name
    #[arg(long, value_name = "NAME")]
    pub(crate) save_profile: Option<String>,
    /// Of a JSON Lines export, make new entries in the ledger instead of taking in its commits
    #[arg(long)]
    pub(crate) copy: bool,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ledger: InLedger,
}

#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The entry, by id or by the first digits of it
    pub(crate) id: String,
    /// The file
    pub(crate) file: PathBuf,
    /// What it is called there [default: the name of the file]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// The entry, by id or by the first digits of it
    pub(crate) id: String,
    /// The file, by its hash, the first digits of it, or its name
    pub(crate) file: String,
}

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The entry, by id or by the first digits of it
    pub(crate) id: String,
    /// The file, by its hash, the first digits of it, or its name
    pub(crate) file: String,
    /// The file to write; there must be none yet [default: it is only brought onto this device]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Conflicts {
    /// Only those of this ledger, by id or name
    #[arg(long)]
    pub(crate) ledger: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The conflict, by the id that `outlay conflicts` shows
    pub(crate) conflict: String,
    /// A value as it is shown there (13.00, a date, a name, true, ""), or #2 for the second
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: String,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; there must be none yet
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    #[default]
    Expense,
    Income,
    Transfer,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rights {
    Owner,
    #[default]
    Editor,
    Viewer,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Sort {
    #[default]
    Newest,
    Oldest,
    Largest,
    Smallest,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Jsonl,
    Csv,
}

/// Amounts may be negative, so hyphens are let through; what has no digit after the hyphen is a misspelt option.
fn amount_like(text: &str) -> Result<String, &'static str> {
    let is_option = text.strip_prefix('-').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
    if is_option { Err("there is no such option") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_contradict_nothing() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_negative_amount_is_no_option() {
        assert!(Arguments::try_parse_from(["outlay", "add", "-5.00", "Refund"]).is_ok());
        assert!(Arguments::try_parse_from(["outlay", "add", "--bogus", "5.00"]).is_err());
        assert!(Arguments::try_parse_from(["outlay", "add", "5.00", "Café", "--json", "-d", "-3d"]).is_ok());
    }

    #[test]
    fn an_edit_changes_something() {
        assert!(Arguments::try_parse_from(["outlay", "edit", "ab"]).is_err());
        assert!(Arguments::try_parse_from(["outlay", "edit", "ab", "--note", ""]).is_ok());
    }
}
