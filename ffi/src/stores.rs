//! Places for secrets that the app supplies: the platform's keystore for the device's key, and for the tokens.

use std::io;
use std::sync::Arc;

use crate::error::CallbackError;

/// Where the device's secret key is kept. It is called on whatever thread the engine is called on, and by its own.
#[uniffi::export(with_foreign)]
pub trait KeyStore: Send + Sync {
    /// The secret of the device, 32 bytes, if there is one.
    fn load(&self) -> Result<Option<Vec<u8>>, CallbackError>;

    /// Keeps the secret of the device, unless one is kept already: of two processes that begin at once, the first wins.
    fn save(&self, secret: Vec<u8>) -> Result<(), CallbackError>;

    /// Keeps another secret in the place of the one that is kept. At any moment one of the two is kept, whole.
    fn replace(&self, secret: Vec<u8>) -> Result<(), CallbackError>;
}

/// Where the tokens of the account are kept. It is called on whatever thread the engine is called on, and by its own.
#[uniffi::export(with_foreign)]
pub trait TokenStore: Send + Sync {
    /// What was kept last.
    fn load(&self) -> Result<Option<String>, CallbackError>;

    /// Keeps a text for good, in place of what was kept, or forgets it when there is none.
    fn save(&self, tokens: Option<String>) -> Result<(), CallbackError>;
}

/// A key store of the app, as the engine asks it.
pub(crate) struct KeyBridge(Arc<dyn KeyStore>);

impl KeyBridge {
    pub(crate) fn over(store: Arc<dyn KeyStore>) -> Arc<dyn outlay_core::KeyStore> {
        Arc::new(Self(store))
    }
}

impl outlay_core::KeyStore for KeyBridge {
    fn load(&self) -> io::Result<Option<[u8; 32]>> {
        let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "the secret of a device has 32 bytes");
        self.0.load().map_err(io::Error::other)?.map(|secret| secret.try_into().map_err(wrong)).transpose()
    }

    fn save(&self, secret: &[u8; 32]) -> io::Result<()> {
        self.0.save(secret.to_vec()).map_err(io::Error::other)
    }

    fn replace(&self, secret: &[u8; 32]) -> io::Result<()> {
        self.0.replace(secret.to_vec()).map_err(io::Error::other)
    }
}

/// A token store of the app, as the engine asks it.
pub(crate) struct TokenBridge(Arc<dyn TokenStore>);

impl TokenBridge {
    pub(crate) fn over(store: Arc<dyn TokenStore>) -> Arc<dyn outlay_core::sync::TokenStore> {
        Arc::new(Self(store))
    }
}

impl outlay_core::sync::TokenStore for TokenBridge {
    fn load(&self) -> io::Result<Option<String>> {
        self.0.load().map_err(io::Error::other)
    }

    fn save(&self, tokens: Option<&str>) -> io::Result<()> {
        self.0.save(tokens.map(str::to_owned)).map_err(io::Error::other)
    }
}
