//! Insights: what the entries of a ledger show, kept up to date as they change.
//!
//! The first question about a ledger reads all its entries; later ones read what changed since. What is kept is in memory
//! alone and made again from the entries. The mathematics are in `outlay-insight`; here is who asks them what of which rows.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use outlay_insight::insights::Insights;
use outlay_insight::months::Parents;
use outlay_insight::recurring::{Decided, fingerprint};
use outlay_insight::study::{self, Progress, Study};
use outlay_insight::suggest::Suggestion;
use outlay_insight::trips::Travel;
use outlay_insight::wording::Names;
use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::text::normalize;
use outlay_ledger::{Date, DocumentId, LedgerId};
use rusqlite::Connection;

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Expense, NewExpense, Reference};
use crate::store::insights::{self, Changed, Known};
use crate::store::{keys, things};

/// What a person says of a ledger that its entries do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsightOptions {
    /// The day as of which insights are; today if `None`. Later entries do not count.
    pub today: Option<Date>,
    /// Categories that are no spending, with all below them: savings, for example. Forecasts and phases leave them out.
    pub left_out: Vec<DocumentId>,
    /// What counts as travelling; the categories whose names say so if `None`.
    pub travel: Option<Travel>,
}

/// Ledgers that are followed at once, the one that was asked for last in front: a person has one or two. A ledger of ten
/// thousand entries takes some 20 MB, one of a hundred thousand 80.
const STUDIES_MAX: usize = 2;

/// The ledgers that are followed.
#[derive(Default)]
pub(super) struct Studies(Mutex<VecDeque<Followed>>);

/// A ledger that is followed.
struct Followed {
    ledger: LedgerId,
    options: InsightOptions,
    known: Known,
    study: Study,
}

impl Engine {
    /// What the entries of a ledger show: payments that come back, forecasts, odd charges, and patterns where they are
    /// certain. It is on the device, with no network.
    ///
    /// The first call for a ledger reads all its entries and takes some tens of milliseconds for each ten thousand; later
    /// ones take what changed since. `progress` is called again and again; when it breaks off, nothing is lost and a later
    /// call goes on.
    ///
    /// What is found is facts; [`crate::insight::wording`] says them in English.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    /// * [`ErrorKind::Cancelled`] if `progress` broke off.
    ///
    /// # Example
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use outlay_core::insight::recurring::Cadence;
    /// use outlay_core::{Currency, Date, Engine, InsightOptions, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// for month in 1..=6 {
    ///     let paid = NewExpense::new(Money::parse("12.99", Currency::EUR)?, "Netflix");
    ///     engine.add_expense(home, NewExpense { date: Some(Date::from_ymd(2026, month, 12)?), ..paid })?;
    /// }
    /// let options = InsightOptions { today: Some(Date::from_ymd(2026, 6, 20)?), ..InsightOptions::default() };
    /// let insights = engine.insights(home, &options, &mut |_| ControlFlow::Continue(()))?;
    /// assert_eq!(insights.commitments[0].cadence, Cadence::Monthly);
    /// assert_eq!(insights.commitments[0].next, Some(Date::from_ymd(2026, 7, 12)?));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn insights(
        &self,
        ledger: LedgerId,
        options: &InsightOptions,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Insights> {
        let today = options.today.unwrap_or_else(|| self.options.environment.today());
        self.followed(ledger, Some(options), |study, decisions| match study.insights(today, decisions, progress) {
            ControlFlow::Continue(insights) => Ok(insights),
            ControlFlow::Break(()) => Err(Error::new(ErrorKind::Cancelled, "the insights were broken off")),
        })
    }

    /// The category that the person would file an entry under, learnt from what they filed so far; `None` where that is
    /// not certain enough, and for transfers. The category of `new` is not looked at. Nothing is written.
    ///
    /// The first call for a ledger learns its entries, some tens of milliseconds for each ten thousand.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    /// * [`ErrorKind::InvalidInput`] if the payee or the note is not a text that an entry may have.
    pub fn suggest(&self, ledger: LedgerId, new: &NewExpense) -> Result<Option<Suggestion>> {
        let today = self.options.environment.today();
        let row = Spend {
            id: DocumentId([0; 16]),
            date: new.date.unwrap_or(today),
            kind: new.kind,
            amount: new.amount,
            payee: normalize(&new.payee, usize::MAX)?,
            note: normalize(&new.note, usize::MAX)?,
            category: None,
            account: self.named_account(ledger, new.account.as_ref())?,
            tags: new.tags.clone(),
        };
        self.followed(ledger, None, |study, _| Ok(study.suggest(&row, today)))
    }

    /// Decides of a payment that comes back, of which these are all payments by date. The decision is written into the latest
    /// one, whose holds over those of others; `None` takes every one back that holds for it: those in its payments, and those
    /// in entries of the trash that were called the same.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::decide`], and [`ErrorKind::InvalidInput`] without a payment.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Decision, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let pay = || engine.add_expense(home, NewExpense::new(Money::parse("800", Currency::EUR)?, "Rent"));
    /// let (may, june) = (pay()?.id, pay()?.id);
    /// engine.decide_commitment(home, &[may], Some(Decision::Confirmed))?;
    /// engine.decide_commitment(home, &[may, june], Some(Decision::Dismissed))?;
    /// assert_eq!(engine.decisions(home)?, [(may, Decision::Confirmed), (june, Decision::Dismissed)]);
    /// engine.decide_commitment(home, &[may, june], None)?;
    /// assert_eq!(engine.decisions(home)?, []);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn decide_commitment(
        &self,
        ledger: LedgerId,
        payments: &[DocumentId],
        decision: Option<Decision>,
    ) -> Result<()> {
        let latest = payments.last().ok_or_else(|| Error::invalid("a commitment has payments"))?;
        if decision.is_some() {
            return self.decide(ledger, *latest, decision).map(|_| ());
        }
        let mut names = Vec::new();
        for payment in payments {
            names.extend(self.called(ledger, *payment)?.map(|(name, _)| name));
        }
        for (entry, _) in self.decisions(ledger)? {
            let is_gone_and_alike =
                self.called(ledger, entry)?.is_some_and(|(name, is_gone)| is_gone && names.contains(&name));
            if payments.contains(&entry) || is_gone_and_alike {
                self.decide(ledger, entry, None)?;
            }
        }
        Ok(())
    }

    /// What an entry is called, by [`fingerprint`], and whether it is in the trash.
    fn called(&self, ledger: LedgerId, entry: DocumentId) -> Result<Option<(u64, bool)>> {
        let called = |entry: Expense| {
            let category = entry.category.map(|category| category.id);
            (fingerprint(&entry.payee, &entry.note, category), entry.deleted)
        };
        Ok(self.expense(ledger, entry)?.map(called))
    }

    /// Gives back the memory that insights and suggestions keep. They are the same afterwards, the next one slower.
    pub fn forget_insights(&self) {
        self.studies.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Asks the study of a ledger, brought up to date; with the options it was last asked with if `None`.
    fn followed<T>(
        &self,
        ledger: LedgerId,
        options: Option<&InsightOptions>,
        ask: impl FnOnce(&mut Study, &[Decided]) -> Result<T>,
    ) -> Result<T> {
        let mut studies = self.studies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = studies.iter().position(|followed| followed.ledger == ledger);
        let before = place.and_then(|place| studies.remove(place));
        let (mut followed, decisions) = self.store.read_named(|connection, names| {
            let lid = keys::ledger_here(connection, ledger)?;
            let wanted = options.cloned().or_else(|| Some(before.as_ref()?.options.clone())).unwrap_or_default();
            let wanted = InsightOptions { today: None, ..wanted };
            let followed = match before {
                Some(before) => before.go_on(connection, names, lid, wanted)?,
                None => Followed::begin(connection, names, lid, ledger, wanted)?,
            };
            Ok((followed, insights::decided(connection, names, lid)?))
        })?;
        let answer = ask(&mut followed.study, &decisions);
        studies.push_front(followed);
        studies.truncate(STUDIES_MAX);
        answer
    }

    fn named_account(&self, ledger: LedgerId, account: Option<&Reference>) -> Result<Option<DocumentId>> {
        match account {
            Some(Reference::Id(id)) => Ok(Some(*id)),
            Some(Reference::Path(path)) => match path.as_slice() {
                [name] => Ok(self.find_account(ledger, name)?.map(|account| account.id)),
                _ => Ok(None),
            },
            None => Ok(None),
        }
    }
}

impl Followed {
    /// Reads a ledger whole.
    fn begin(
        connection: &Connection,
        names: &mut things::Names,
        lid: i64,
        ledger: LedgerId,
        options: InsightOptions,
    ) -> Result<Self> {
        let (wanted, parents) = tree(connection, names, lid, &options)?;
        let study = Study::of(insights::spending(connection, names, lid)?, wanted, parents);
        Ok(Self { ledger, options, known: insights::known(connection)?, study })
    }

    /// Reads what changed since.
    fn go_on(
        self,
        connection: &Connection,
        names: &mut things::Names,
        lid: i64,
        options: InsightOptions,
    ) -> Result<Self> {
        let Changed::Documents { rows, others, is_tree } = insights::changed(connection, names, lid, self.known)?
        else {
            return Self::begin(connection, names, lid, self.ledger, options);
        };
        let mut study = self.study;
        others.into_iter().for_each(|id| study.remove(id));
        rows.into_iter().for_each(|row| study.put(row));
        if is_tree || options != self.options {
            let (wanted, parents) = tree(connection, names, lid, &options)?;
            study = study.with(wanted, parents);
        }
        Ok(Self { ledger: self.ledger, options, known: insights::known(connection)?, study })
    }
}

/// The tree of categories, and what is to be known of it.
fn tree(
    connection: &Connection,
    names: &mut things::Names,
    lid: i64,
    options: &InsightOptions,
) -> Result<(study::Options, Parents)> {
    let called: Names = things::categories(connection, lid)?.into_iter().map(|named| (named.id, named.name)).collect();
    let travel = options.travel.clone().unwrap_or_else(|| Travel::named(&called));
    Ok((study::Options { left_out: options.left_out.clone(), travel }, things::parents(connection, names, lid)?))
}
