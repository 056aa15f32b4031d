//! What can be typed about accounts and sync.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct SignUp {
    /// Where the server is: https://…, or http:// of this very machine
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The e-mail address of the account
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
    /// What this device is called among your devices [default: the name of this machine]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What you are called
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// The invitation, for a server that wants one
    #[arg(long, value_name = "CODE")]
    pub(crate) invitation: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Where the server is [default: where this device was signed in]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The e-mail address of the account [default: that of the account of this device]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// What this device is called among your devices [default: the name of this machine]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The code that the authenticator app shows now, or a recovery code, if the account wants one
    #[arg(long)]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SignOut {
    /// Delete everything from this device; what is on no server yet only after a question
    #[arg(long)]
    pub(crate) wipe: bool,
    /// Delete without a question also what is on no server yet
    #[arg(long, requires = "wipe")]
    pub(crate) unsent: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Stay connected and print a line for each change, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
    /// Send and get entries only, no files: the network is paid for by the byte
    #[arg(long)]
    pub(crate) metered: bool,
    /// Give up after so long; what was done by then stays done
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Sign a device out of the account: by its name, its key or the first digits of that
    #[arg(long, value_name = "DEVICE")]
    pub(crate) sign_out: Option<String>,
    /// Sign a lost device out and take it out of all ledgers: what it writes from now on counts nowhere
    #[arg(long, value_name = "DEVICE", conflicts_with = "sign_out")]
    pub(crate) revoke: Option<String>,
}
