//! How an engine is opened.

use std::sync::Arc;

use outlay_core::Currency;

use crate::log_sink::{LogBridge, LogSink};
use crate::stores::{KeyBridge, KeyStore, TokenBridge, TokenStore};

/// How an engine is opened. What is left out is as it is by default.
#[derive(Clone, Default, uniffi::Record)]
pub struct Options {
    /// Where the device's secret key is kept; a file beside the database if there is none.
    #[uniffi(default = None)]
    pub key_store: Option<Arc<dyn KeyStore>>,
    /// Where the tokens of the account are kept; a file beside the database if there is none.
    #[uniffi(default = None)]
    pub token_store: Option<Arc<dyn TokenStore>>,
    /// Bytes the database may have; as many as the disk has by default.
    #[uniffi(default = None)]
    pub database_bytes_max: Option<u64>,
    /// The currency of the ledger that the first entry makes; the euro by default.
    #[uniffi(default = None)]
    pub default_currency: Option<Currency>,
    /// The name of that ledger.
    #[uniffi(default = None)]
    pub default_name: Option<String>,
    /// Who is told the lines of the log; nobody if there is none.
    #[uniffi(default = None)]
    pub log_sink: Option<Arc<dyn LogSink>>,
    /// Certificates, in PEM, that are roots beside those of the platform: for a server with a certificate of one's own.
    #[uniffi(default = [])]
    pub roots_pem: Vec<Vec<u8>>,
    /// How many of the newest months a new device gets before the older ones; 0 for all in the order of the log.
    #[uniffi(default = None)]
    pub months_first: Option<u16>,
    /// Whether the network is paid for by the byte when the engine is opened.
    #[uniffi(default = false)]
    pub is_metered: bool,
}

impl From<&Options> for outlay_core::Options {
    fn from(options: &Options) -> Self {
        let Options {
            key_store,
            token_store,
            database_bytes_max,
            default_currency,
            default_name,
            log_sink,
            roots_pem,
            months_first,
            is_metered,
        } = options.clone();
        let usual = Self::default();
        Self {
            environment: usual.environment,
            key_store: key_store.map(KeyBridge::over),
            database_bytes_max,
            default_currency: default_currency.unwrap_or(usual.default_currency),
            default_name: default_name.unwrap_or(usual.default_name),
            log_sink: log_sink.map(LogBridge::over),
            sync: outlay_core::sync::SyncOptions {
                token_store: token_store.map(TokenBridge::over),
                roots_pem,
                months_first: months_first.unwrap_or(usual.sync.months_first),
                is_metered,
            },
        }
    }
}
