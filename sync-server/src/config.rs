//! How the server is started: every limit is an option, with its unit in its name, and an environment variable.
//!
//! An option is written once, here. [`sources`] takes its value from the command line, the environment or a file.

pub mod sources;

use std::net::SocketAddr;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::accounts::passwords::Cost;
use crate::accounts::sessions::RefreshTimes;
use crate::ledgers::LedgerLimits;
use crate::mail::Patience;
use crate::proxies::Network;
use crate::sync::RateLimits;

/// The sync server of Outlay.
#[derive(Debug, Parser)]
#[command(name = "outlay-server", version, about)]
pub struct Cli {
    /// A file with options (TOML): their names with `_` for `-`, each a key. A flag or a variable comes before it.
    #[arg(long, env = "OUTLAY_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve. Prints `listening on URL` when it is ready, and stops in good order on SIGTERM.
    Serve(Box<Serve>),
    /// Look at what the server would be started with, and start nothing.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Copy the database into a file, also while a server is running.
    Backup {
        /// The folder of the server.
        #[arg(long, env = "OUTLAY_DATA")]
        data: PathBuf,
        /// The file to make; it must not exist.
        #[arg(long)]
        to: PathBuf,
    },
    /// Put a backup in the place of the database. Begins a new epoch, so that devices bring back what the backup lacks.
    Restore {
        /// The folder of the server, which must not be running.
        #[arg(long, env = "OUTLAY_DATA")]
        data: PathBuf,
        /// The backup.
        #[arg(long)]
        from: PathBuf,
    },
    /// Sign access tokens with the next key from now on, also while a server is running. Tokens of the one before are good
    /// until they end.
    RotateKeys {
        /// The folder of the server.
        #[arg(long, env = "OUTLAY_DATA")]
        data: PathBuf,
    },
    /// Print the description of the HTTP pages (OpenAPI 3.1), as a server has it at `/openapi.json`.
    Openapi,
    /// Print what happened to accounts, one JSON object a line, the eldest first, also while a server is running.
    Events {
        /// The folder of the server.
        #[arg(long, env = "OUTLAY_DATA")]
        data: PathBuf,
        /// The id of the event after which to go on.
        #[arg(long)]
        after: Option<String>,
    },
    /// Look after accounts, also while a server is running.
    #[command(subcommand)]
    User(UserCommand),
    /// Make an invitation for one sign-up, and print it.
    Invite {
        /// The folder of the server.
        #[arg(long, env = "OUTLAY_DATA")]
        data: PathBuf,
        /// How long it is good for.
        #[arg(long, default_value_t = 14)]
        days: u32,
    },
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all accounts, the eldest first.
    List(Folder),
    /// Show an account.
    Show(Person),
    /// List the sessions of an account that go on.
    Sessions(Person),
    /// End all sessions of an account and let nobody sign in to it. What is stored stays.
    Disable(Person),
    /// Let its owner sign in again.
    Enable(Person),
    /// Give an account a new password, which is printed, and end its sessions.
    ResetPassword(Person),
    /// Delete an account, with all that is stored of it and the ledgers that only it had. What is on its devices stays.
    Delete(Person),
}

/// Where accounts are, and how they are shown.
#[derive(Debug, Clone, Args)]
pub struct Folder {
    /// The folder of the server.
    #[arg(long, env = "OUTLAY_DATA")]
    pub data: PathBuf,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// An account, and how it is shown.
#[derive(Debug, Clone, Args)]
pub struct Person {
    /// Where it is.
    #[command(flatten)]
    pub folder: Folder,
    /// Its id or its address.
    pub who: String,
}

/// How to look at the options.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether a server can be started with them.
    Check(Box<Serve>),
    /// Print each option with where its value comes from, as a file for --config. Secrets are left out.
    Print(Box<Serve>),
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
    /// Who has an invitation.
    Invitation,
}

impl SignUp {
    /// As it is said to clients.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Invitation => "invitation",
        }
    }
}

/// A site as a browser names it: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub(crate) HeaderValue);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@']));
        let value = HeaderValue::from_str(text).ok().filter(|_| is_origin);
        value.map(Self).ok_or_else(|| "an origin is a scheme and a host, such as https://app.example.org".to_owned())
    }
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// The folder of the database; it is made if it is not there.
    #[arg(long, env = "OUTLAY_DATA")]
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one. $PORT, which platforms set, means that port of all addresses.
    #[arg(long, env = "OUTLAY_LISTEN", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Where to serve /metrics; nowhere unless told. It is for those who watch the server, not for its users.
    #[arg(long, env = "OUTLAY_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// For trying things out: sign-up is open, and a secret that others know is taken.
    #[arg(long, env = "OUTLAY_DEV", default_value_t = false)]
    #[arg(action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub dev: bool,
    /// Who may sign up; by invitation unless told otherwise, open with --dev.
    #[arg(long, env = "OUTLAY_SIGN_UP", value_enum)]
    pub sign_up: Option<SignUp>,
    /// The secret that all keys come from, 64 hexadecimal digits. Without it one is made and kept in the database.
    #[arg(long, env = "OUTLAY_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The certificate chain for TLS, PEM.
    #[arg(long, env = "OUTLAY_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// The private key for TLS, PEM.
    #[arg(long, env = "OUTLAY_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// The mail server: smtps://USER:PASSWORD@HOST, or smtp:// for STARTTLS, which a mail server elsewhere must speak unless
    /// ?tls=opportunistic is added. Without it, and without --mail-folder, no mail is sent.
    #[arg(long, env = "OUTLAY_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Whom mail is from: an address, or a name and an address in <>.
    #[arg(long, env = "OUTLAY_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// For development: a folder that gets a file for each mail, instead of a mail server.
    #[arg(long, env = "OUTLAY_MAIL_FOLDER")]
    pub mail_folder: Option<PathBuf>,
    /// Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8.
    #[arg(long, env = "OUTLAY_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Other sites whose pages may ask this server from a browser, each as it stands in the header Origin.
    #[arg(long, env = "OUTLAY_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
    /// Let webhooks reach private addresses: this machine, and the networks behind it. Whoever has an account can then reach
    /// what is there.
    #[arg(long, env = "OUTLAY_WEBHOOK_PRIVATE_ADDRESSES", default_value_t = false)]
    #[arg(action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub webhook_private_addresses: bool,
    /// Let webhooks go by http:// too, which others on the way can read; so it is with --dev.
    #[arg(long, env = "OUTLAY_WEBHOOK_HTTP", default_value_t = false)]
    #[arg(action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub webhook_http: bool,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, env = "OUTLAY_LOG", default_value = "info")]
    pub log: tracing::Level,
    /// How lines of the log are written.
    #[arg(long, env = "OUTLAY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// The limits.
    #[command(flatten)]
    pub limits: Limits,
}

/// The least that a limit can be: 1 unless told otherwise.
macro_rules! least {
    () => {
        1
    };
    ($min:literal) => {
        $min
    };
}

fn limit<T>(text: &str, least: u32) -> Result<T, String>
where
    T: FromStr<Err = ParseIntError> + PartialOrd + TryFrom<u32>,
{
    let value: T = text.parse().map_err(|error: ParseIntError| error.to_string())?;
    let is_enough = T::try_from(least).is_ok_and(|least| value >= least);
    if is_enough { Ok(value) } else { Err(format!("it must be at least {least}")) }
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $env:literal $(, from $min:literal)?;)*) => {
        /// Every limit.
        #[derive(Debug, Clone, Args)]
        #[command(next_help_heading = "Limits")]
        pub struct Limits {
            $(
                $(#[doc = $doc])+
                #[arg(long, env = $env, default_value_t = $default)]
                #[arg(value_parser = |text: &str| limit::<$type>(text, least!($($min)?)))]
                pub $name: $type,
            )*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }
    };
}

limits! {
    /// Bytes of a frame from a device; no fewer than a device sends before it is told.
    frame_max_bytes: usize = 256 * 1024, "OUTLAY_FRAME_MAX_BYTES", from 262_144;
    /// Pushes of a connection that may be unanswered; no fewer than a device sends before it is told.
    pushes_in_flight_max_count: usize = 4, "OUTLAY_PUSHES_IN_FLIGHT_MAX_COUNT", from 4;
    /// Seconds until a connection must have authenticated.
    auth_timeout_seconds: u32 = 5, "OUTLAY_AUTH_TIMEOUT_SECONDS";
    /// Bytes sent and not yet taken, above which a slow device is only marked as behind.
    outbound_max_bytes: usize = 64 * 1024, "OUTLAY_OUTBOUND_MAX_BYTES";
    /// Bytes of commits that are read for a device at once.
    page_max_bytes: usize = 256 * 1024, "OUTLAY_PAGE_MAX_BYTES";
    /// Seconds for which a device may take nothing of what it is sent.
    stalled_timeout_seconds: u32 = 60, "OUTLAY_STALLED_TIMEOUT_SECONDS";
    /// Seconds between pings on an idle connection.
    ping_interval_seconds: u32 = 30, "OUTLAY_PING_INTERVAL_SECONDS";
    /// Seconds after which an event stream with nothing to tell says that it is there.
    event_heartbeat_seconds: u32 = 15, "OUTLAY_EVENT_HEARTBEAT_SECONDS";
    /// Event streams of one account at once.
    account_event_streams_max_count: usize = 16, "OUTLAY_ACCOUNT_EVENT_STREAMS_MAX_COUNT";
    /// Webhooks of one account.
    account_webhooks_max_count: usize = 32, "OUTLAY_ACCOUNT_WEBHOOKS_MAX_COUNT";
    /// Attempts at deliveries that are remembered of a webhook.
    webhook_deliveries_max_count: usize = 100, "OUTLAY_WEBHOOK_DELIVERIES_MAX_COUNT";
    /// Seconds for one attempt to deliver to a webhook.
    webhook_timeout_seconds: u32 = 10, "OUTLAY_WEBHOOK_TIMEOUT_SECONDS";
    /// How often an event is tried, until its webhook is stopped.
    webhook_attempts_max_count: u32 = 24, "OUTLAY_WEBHOOK_ATTEMPTS_MAX_COUNT";
    /// Seconds before an event is tried again; twice that before the next attempt, and so on.
    webhook_retry_delay_seconds: u32 = 10, "OUTLAY_WEBHOOK_RETRY_DELAY_SECONDS", from 0;
    /// And at most so many.
    webhook_retry_delay_max_seconds: u32 = 4 * 3_600, "OUTLAY_WEBHOOK_RETRY_DELAY_MAX_SECONDS", from 0;
    /// Seconds in which nothing was written to a ledger, before its insights are made.
    insight_settle_seconds: u32 = 10, "OUTLAY_INSIGHT_SETTLE_SECONDS", from 0;
    /// Seconds between two times that the insights of a ledger are made.
    insight_interval_seconds: u32 = 900, "OUTLAY_INSIGHT_INTERVAL_SECONDS", from 0;
    /// Seconds that making insights may take.
    insight_timeout_seconds: u32 = 30, "OUTLAY_INSIGHT_TIMEOUT_SECONDS";
    /// Entries of a ledger with insights: 1 KB of memory each, of one ledger at a time.
    insight_entries_max_count: usize = 100_000, "OUTLAY_INSIGHT_ENTRIES_MAX_COUNT";
    /// Connections at once.
    connections_max_count: usize = 20_000, "OUTLAY_CONNECTIONS_MAX_COUNT";
    /// Connections at once of one network address; those of trusted proxies are not counted.
    address_connections_max_count: usize = 1_000, "OUTLAY_ADDRESS_CONNECTIONS_MAX_COUNT";
    /// Requests of one network address, in a minute: those of all who share it.
    address_requests_per_minute: u32 = 6_000, "OUTLAY_ADDRESS_REQUESTS_PER_MINUTE";
    /// Requests of one account, in a minute.
    person_requests_per_minute: u32 = 3_000, "OUTLAY_PERSON_REQUESTS_PER_MINUTE";
    /// Requests of one session, that of a device or a program, in a minute.
    session_requests_per_minute: u32 = 1_200, "OUTLAY_SESSION_REQUESTS_PER_MINUTE";
    /// Bytes of the head of a request, and of what is read of a body at once.
    head_max_bytes: usize = 32 * 1024, "OUTLAY_HEAD_MAX_BYTES", from 8192;
    /// Fields in the head of a request.
    head_fields_max_count: usize = 64, "OUTLAY_HEAD_FIELDS_MAX_COUNT";
    /// Bytes of path and query together.
    uri_max_bytes: usize = 4 * 1024, "OUTLAY_URI_MAX_BYTES";
    /// Seconds for the head of a request, and for a TLS handshake.
    header_timeout_seconds: u32 = 10, "OUTLAY_HEADER_TIMEOUT_SECONDS";
    /// Seconds for a whole HTTP request.
    request_timeout_seconds: u32 = 60, "OUTLAY_REQUEST_TIMEOUT_SECONDS";
    /// Bytes of the body of POST /v1/sync.
    sync_body_max_bytes: usize = 4 * 1024 * 1024, "OUTLAY_SYNC_BODY_MAX_BYTES";
    /// Bytes of syncs, in requests and frames, that may have come from all whose devices have not proved who they are.
    unauthenticated_max_bytes: usize = 64 * 1024 * 1024, "OUTLAY_UNAUTHENTICATED_MAX_BYTES";
    /// Bytes of the answer to POST /v1/sync, after which the device asks again.
    sync_answer_max_bytes: usize = 8 * 1024 * 1024, "OUTLAY_SYNC_ANSWER_MAX_BYTES";
    /// Seconds that connections have to end in after SIGTERM.
    drain_timeout_seconds: u32 = 10, "OUTLAY_DRAIN_TIMEOUT_SECONDS", from 0;
    /// Seconds that an access token is good for.
    access_token_seconds: u32 = 600, "OUTLAY_ACCESS_TOKEN_SECONDS";
    /// Seconds that a refresh token is good for since it was last used.
    refresh_token_idle_seconds: u32 = 30 * 86_400, "OUTLAY_REFRESH_TOKEN_IDLE_SECONDS";
    /// Seconds that a login is good for.
    refresh_token_total_seconds: u32 = 180 * 86_400, "OUTLAY_REFRESH_TOKEN_TOTAL_SECONDS";
    /// Seconds in which a device may ask again for the refresh token it was given.
    refresh_token_repeat_seconds: u32 = 600, "OUTLAY_REFRESH_TOKEN_REPEAT_SECONDS", from 0;
    /// Memory of a password hash, in KiB.
    password_hash_memory_kib: u32 = 19 * 1024, "OUTLAY_PASSWORD_HASH_MEMORY_KIB", from 8;
    /// Passes of a password hash.
    password_hash_passes_count: u32 = 2, "OUTLAY_PASSWORD_HASH_PASSES_COUNT";
    /// Logins that may wait for a turn at hashing.
    password_hash_queue_count: usize = 64, "OUTLAY_PASSWORD_HASH_QUEUE_COUNT", from 0;
    /// Account requests (sign-up, login) of one network address, in a minute.
    account_requests_per_minute: u32 = 60, "OUTLAY_ACCOUNT_REQUESTS_PER_MINUTE";
    /// Mails that wait to be sent.
    mail_queue_max_count: usize = 256, "OUTLAY_MAIL_QUEUE_MAX_COUNT";
    /// How often a mail is tried.
    mail_attempts_max_count: u32 = 4, "OUTLAY_MAIL_ATTEMPTS_MAX_COUNT";
    /// Seconds before a mail is tried again; twice that before the next attempt, and so on.
    mail_retry_delay_seconds: u32 = 30, "OUTLAY_MAIL_RETRY_DELAY_SECONDS", from 0;
    /// Seconds for one attempt.
    mail_timeout_seconds: u32 = 30, "OUTLAY_MAIL_TIMEOUT_SECONDS";
    /// Mails that can be asked for to one address, in an hour.
    address_mails_per_hour: u32 = 5, "OUTLAY_ADDRESS_MAILS_PER_HOUR";
    /// Bytes of one ledger, with the files of its expenses.
    ledger_max_bytes: u64 = 1 << 30, "OUTLAY_LEDGER_MAX_BYTES";
    /// Bytes of the ledgers that one account brought here.
    account_max_bytes: u64 = 4 << 30, "OUTLAY_ACCOUNT_MAX_BYTES";
    /// Bytes of one file that belongs to an expense.
    blob_max_bytes: u64 = 20 << 20, "OUTLAY_BLOB_MAX_BYTES";
    /// Files of one account that may have come in part.
    account_uploads_max_count: u64 = 16, "OUTLAY_ACCOUNT_UPLOADS_MAX_COUNT";
    /// Seconds that a file which has come in part waits for the rest.
    upload_timeout_seconds: u32 = 86_400, "OUTLAY_UPLOAD_TIMEOUT_SECONDS";
    /// Members of a ledger.
    ledger_members_max_count: usize = 256, "OUTLAY_LEDGER_MEMBERS_MAX_COUNT";
    /// Devices of a member.
    member_devices_max_count: usize = 32, "OUTLAY_MEMBER_DEVICES_MAX_COUNT";
    /// Open heads of one device's chain.
    device_heads_max_count: usize = 16, "OUTLAY_DEVICE_HEADS_MAX_COUNT";
    /// Bytes that a device may push in a second; an account twice that.
    device_push_bytes_per_second: u64 = 1 << 20, "OUTLAY_DEVICE_PUSH_BYTES_PER_SECOND";
    /// Bytes that a device may push at once; an account twice that.
    device_push_burst_bytes: u64 = 256 << 20, "OUTLAY_DEVICE_PUSH_BURST_BYTES";
    /// Bytes of the database file: what does not fit is refused as on a full disk, and the disk keeps room for others.
    database_max_bytes: u64 = 1 << 44, "OUTLAY_DATABASE_MAX_BYTES";
    /// Memory for pages of the database, of the writer and of each reader, in KiB.
    database_cache_kib: u32 = 2 * 1024, "OUTLAY_DATABASE_CACHE_KIB";
}

/// Pairs of limits of which the first may not be more than the second.
macro_rules! orders {
    ($limits:expr, $($less:ident <= $more:ident;)*) => {
        [$((stringify!($less), wide($limits.$less), stringify!($more), wide($limits.$more)),)*]
    };
}

fn wide(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

impl Serve {
    /// Whether the options fit each other.
    ///
    /// # Errors
    ///
    /// A sentence that names the options which do not.
    pub fn check(&self) -> Result<(), String> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err("--tls-cert and --tls-key are given together, or neither".to_owned());
        }
        if self.smtp_url.is_some() && self.mail_folder.is_some() {
            return Err("--smtp-url and --mail-folder are two ways to send mail; one is enough".to_owned());
        }
        if (self.smtp_url.is_some() || self.mail_folder.is_some()) && self.mail_from.is_none() {
            return Err("mail needs --mail-from".to_owned());
        }
        let orders = orders! { self.limits,
            frame_max_bytes <= sync_body_max_bytes;
            sync_body_max_bytes <= unauthenticated_max_bytes;
            uri_max_bytes <= head_max_bytes;
            page_max_bytes <= sync_answer_max_bytes;
            header_timeout_seconds <= request_timeout_seconds;
            access_token_seconds <= refresh_token_idle_seconds;
            refresh_token_idle_seconds <= refresh_token_total_seconds;
            refresh_token_repeat_seconds <= refresh_token_idle_seconds;
            ledger_max_bytes <= account_max_bytes;
            webhook_retry_delay_seconds <= webhook_retry_delay_max_seconds;
            device_push_bytes_per_second <= device_push_burst_bytes;
        };
        match orders.into_iter().find(|(_, less, _, more)| less > more) {
            None => Ok(()),
            Some((first, less, second, more)) => {
                let [first, second] = [first, second].map(|name| name.replace('_', "-"));
                Err(format!("--{first} is {less} and may not be more than --{second}, which is {more}"))
            }
        }
    }
}

impl Limits {
    pub(crate) fn ledgers(&self) -> LedgerLimits {
        LedgerLimits {
            ledger_bytes_max: self.ledger_max_bytes,
            account_bytes_max: self.account_max_bytes,
            members_max: self.ledger_members_max_count,
            member_devices_max: self.member_devices_max_count,
            device_heads_max: self.device_heads_max_count,
        }
    }

    pub(crate) fn session(&self) -> outlay_protocol::session::Limits {
        outlay_protocol::session::Limits {
            frame_bytes_max: self.frame_max_bytes,
            pushes_in_flight_max: self.pushes_in_flight_max_count,
            auth_ms_max: ms(self.auth_timeout_seconds),
            outbound_bytes_max: self.outbound_max_bytes,
            stalled_ms_max: ms(self.stalled_timeout_seconds),
            page_bytes_max: self.page_max_bytes,
            ..Default::default()
        }
    }

    pub(crate) fn refresh_times(&self) -> RefreshTimes {
        RefreshTimes {
            idle_ms: ms(self.refresh_token_idle_seconds),
            total_ms: ms(self.refresh_token_total_seconds),
            repeat_ms: ms(self.refresh_token_repeat_seconds),
        }
    }

    pub(crate) fn password_cost(&self) -> Cost {
        Cost { memory_kib: self.password_hash_memory_kib, passes: self.password_hash_passes_count }
    }

    pub(crate) fn mail_patience(&self) -> Patience {
        Patience {
            attempts_max: self.mail_attempts_max_count,
            delay: Duration::from_secs(u64::from(self.mail_retry_delay_seconds)),
            time_max: Duration::from_secs(u64::from(self.mail_timeout_seconds)),
        }
    }

    pub(crate) fn rates(&self) -> RateLimits {
        RateLimits { bytes_per_second: self.device_push_bytes_per_second, burst_bytes: self.device_push_burst_bytes }
    }
}

const fn ms(seconds: u32) -> i64 {
    seconds as i64 * 1000
}
