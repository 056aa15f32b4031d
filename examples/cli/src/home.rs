//! The home folder: where it is, what is in it, and how the engine on it is opened.
//!
//! It holds the database, the device key that the engine keeps beside it, and one file of settings. Commands that
//! only read or change what is there refuse a home without a database, so that a mistyped folder is not taken for an
//! empty one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use outlay_core::sync::SyncOptions;
use outlay_core::{Currency, Engine, Options};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::{input, territory};

const DATABASE: &str = "outlay.db";
const SETTINGS: &str = "settings.json";
/// Bytes of the settings: room for a hundred times what is in them now.
const SETTINGS_BYTES_MAX: u64 = 16 * 1024;

/// A home folder, which may not be there yet.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Settings {
    /// The currency that `outlay init` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

impl Home {
    /// The folder named on the command line, else by `$OUTLAY_HOME`, else the platform's for data.
    pub(crate) fn locate(named: Option<&Path>) -> Result<Self, Failure> {
        let folder = named
            .map(Path::to_owned)
            .or_else(|| variable("OUTLAY_HOME"))
            .or_else(platform_folder)
            .ok_or_else(|| Failure::usage("there is no home folder: give one with --home or $OUTLAY_HOME"))?;
        if folder.as_os_str().is_empty() {
            return Err(Failure::usage("--home needs the name of a folder"));
        }
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    pub(crate) fn has_database(&self) -> bool {
        self.database().exists()
    }

    /// Opens the database that is there.
    pub(crate) fn open(&self) -> Result<Engine, Failure> {
        if !self.has_database() {
            let folder = self.folder.display();
            return Err(Failure::not_found(format!("there is no database in {folder}; `outlay init` makes one")));
        }
        self.open_or_create(None)
    }

    /// Opens the database, and makes it when there is none. `likely` is the currency that a ledger made on the way
    /// has, where none was settled by `outlay init`.
    pub(crate) fn open_or_create(&self, likely: Option<Currency>) -> Result<Engine, Failure> {
        create_private(&self.folder).map_err(|error| Failure::file(&self.folder, &error))?;
        let sync = SyncOptions { roots_pem: roots()?, ..SyncOptions::default() };
        let options = Options { default_currency: self.currency(likely)?, sync, ..Options::default() };
        let engine = Engine::open(self.database(), options)?;
        match engine.set_aside() {
            None => Ok(engine),
            Some(damaged) => Err(Failure::corrupt(format!(
                "the database was damaged and is now {}; put a backup in its place, or go on with an empty one",
                damaged.display()
            ))),
        }
    }

    /// The currency of ledgers made without one: that of `outlay init`, else `likely`, else that of the locale.
    pub(crate) fn currency(&self, likely: Option<Currency>) -> Result<Currency, Failure> {
        match self.settings()?.currency {
            Some(code) => input::currency(&code),
            None => likely.map_or_else(territory::currency, Ok),
        }
    }

    pub(crate) fn save_currency(&self, currency: Currency) -> Result<(), Failure> {
        create_private(&self.folder).map_err(|error| Failure::file(&self.folder, &error))?;
        let settings = Settings { currency: Some(currency.to_string()) };
        let path = self.folder.join(SETTINGS);
        fs::write(&path, serde_json::to_vec(&settings)?).map_err(|error| Failure::file(&path, &error))
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let path = self.folder.join(SETTINGS);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        let text = if size <= SETTINGS_BYTES_MAX { fs::read(&path) } else { Ok(Vec::new()) };
        let text = text.map_err(|error| Failure::file(&path, &error))?;
        serde_json::from_slice(&text).map_err(|_| Failure::corrupt(format!("{}: not the settings", path.display())))
    }
}

/// The certificates of `$OUTLAY_ROOTS`, a file of PEM: roots beside those of the platform, for a server of one's own.
fn roots() -> Result<Vec<Vec<u8>>, Failure> {
    let Some(path) = variable("OUTLAY_ROOTS") else { return Ok(Vec::new()) };
    Ok(vec![fs::read(&path).map_err(|error| Failure::file(&path, &error))?])
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(target_os = "macos")]
fn platform_folder() -> Option<PathBuf> {
    variable("HOME").map(|home| home.join("Library/Application Support/outlay"))
}

#[cfg(windows)]
fn platform_folder() -> Option<PathBuf> {
    variable("APPDATA").map(|data| data.join("outlay"))
}

#[cfg(not(any(target_os = "macos", windows)))]
fn platform_folder() -> Option<PathBuf> {
    // The XDG specification wants relative paths ignored.
    let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
    data.or_else(|| variable("HOME").map(|home| home.join(".local/share"))).map(|data| data.join("outlay"))
}

/// Expenses are nobody else's business: a folder that is made here can be read by its owner only.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
