//! Ledgers: made, listed, chosen, and opened to a person's further devices.

use outlay_ledger::change::Scalar;
use outlay_ledger::field;
use outlay_ledger::fold::Put;
use outlay_ledger::limits::NAME_BYTES_MAX;
use outlay_ledger::member::MemberOperation;
use outlay_ledger::text::normalize;
use outlay_ledger::{Currency, DeviceKey, LedgerId};

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Ledger, Named};
use crate::store::{Write, keys, things};

impl Engine {
    /// Makes a ledger of which this device's person is the owner.
    ///
    /// The first ledger of a device becomes its default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the name is empty, too long or has control characters.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?;
    /// assert_eq!(engine.ledgers()?, [home]);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn create_ledger(&self, name: &str, currency: Currency) -> Result<Ledger> {
        self.write(|write| self.found(write, name, currency))
    }

    /// All ledgers on this device, in the order in which they came.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn ledgers(&self) -> Result<Vec<Ledger>> {
        self.store.read(things::ledgers)
    }

    /// One ledger.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if it is not on this device.
    pub fn ledger(&self, id: LedgerId) -> Result<Ledger> {
        let ledgers = self.ledgers()?;
        ledgers.into_iter().find(|ledger| ledger.id == id).ok_or_else(|| Error::not_found("ledger on this device"))
    }

    /// The ledger entries go into when none is named; `None` while there is none at all.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn default_ledger(&self) -> Result<Option<Ledger>> {
        Ok(self.ledgers()?.into_iter().find(|ledger| ledger.is_default))
    }

    /// The default ledger, made now if this device has no ledger yet.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn ensure_default_ledger(&self) -> Result<Ledger> {
        self.write(|write| self.default_or_new(write, self.options.default_currency))
    }

    /// Chooses the default ledger.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if it is not on this device.
    pub fn set_default_ledger(&self, id: LedgerId) -> Result<()> {
        self.write(|write| things::set_default_ledger(&write.tx, id))
    }

    /// Admits a further device of this device's person, with the same role.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is no member that may write.
    /// * [`ErrorKind::InvalidInput`] if it is this device.
    pub fn admit_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        if device == self.device_key() {
            return Err(Error::invalid("this is the device itself"));
        }
        self.write(|write| {
            let mut draft = self.author.draft(write, ledger)?;
            let member = things::own_member(&draft.write.tx, draft.lid)?;
            let member =
                member.ok_or_else(|| Error::new(ErrorKind::Forbidden, "this device is no member of the ledger"))?;
            draft.member(&MemberOperation::AddDevice { member, device })?;
            draft.finish()?;
            Ok(())
        })
    }

    /// The accounts of a ledger, by name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn accounts(&self, ledger: LedgerId) -> Result<Vec<Named>> {
        self.store.read(|connection| things::accounts(connection, keys::ledger_here(connection, ledger)?))
    }

    /// The categories of a ledger, by path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn categories(&self, ledger: LedgerId) -> Result<Vec<Named>> {
        self.store.read(|connection| things::categories(connection, keys::ledger_here(connection, ledger)?))
    }

    /// The category at a path from the top, whatever the case and width of its names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn find_category(&self, ledger: LedgerId, path: &[&str]) -> Result<Option<Named>> {
        self.store.read_named(|connection, names| {
            let lid = keys::ledger_here(connection, ledger)?;
            let mut found = None;
            for name in path {
                found = match things::find_category(connection, lid, found, name)? {
                    Some(rid) => Some(rid),
                    None => return Ok(None),
                };
            }
            found.map_or(Ok(None), |rid| names.category(connection, rid))
        })
    }

    /// The account of a name, whatever its case and width.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn find_account(&self, ledger: LedgerId, name: &str) -> Result<Option<Named>> {
        self.store.read_named(|connection, names| {
            let rid = things::find_account(connection, keys::ledger_here(connection, ledger)?, name)?;
            rid.map_or(Ok(None), |rid| names.account(connection, rid))
        })
    }

    /// The default ledger, or the first one of this device made now.
    pub(crate) fn default_or_new(&self, write: &mut Write<'_>, currency: Currency) -> Result<Ledger> {
        match things::ledgers(&write.tx)?.into_iter().find(|ledger| ledger.is_default) {
            Some(ledger) => Ok(ledger),
            None => self.found(write, &self.options.default_name, currency),
        }
    }

    fn found(&self, write: &mut Write<'_>, name: &str, currency: Currency) -> Result<Ledger> {
        let name = normalize(name, NAME_BYTES_MAX)?;
        if name.is_empty() {
            return Err(Error::invalid("a ledger has a name"));
        }
        let settings = vec![
            Put::new(field::NAME, Scalar::Str(name)),
            Put::new(field::CURRENCY, Scalar::Str(currency.code().to_owned())),
        ];
        let id = self.author.found_ledger(write, settings)?;
        let ledgers = things::ledgers(&write.tx)?;
        ledgers.into_iter().find(|ledger| ledger.id == id).ok_or_else(|| Error::internal("the ledger was not made"))
    }
}
