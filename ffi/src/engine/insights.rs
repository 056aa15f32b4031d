//! What the entries of a ledger show, and what a person says of it.

use std::sync::Arc;

use outlay_core::{Decision, DocumentId, Expense, InsightOptions, LedgerId, NewExpense};

use super::{Engine, Result};
use crate::observer::{Cancel, InsightObserver, goes_on};
use crate::records::conflicts::Decided;
use crate::records::insights::{Insights, Names, Suggestion};

#[uniffi::export]
impl Engine {
    /// What the entries of a ledger show: payments that come back, forecasts, odd charges, and patterns where they are certain.
    /// It is found on the device, with no network.
    ///
    /// The first call for a ledger reads all its entries and takes some tens of milliseconds for each ten thousand; later ones
    /// take what changed since. One that is cancelled has lost nothing, and a later one goes on.
    #[uniffi::method(default(progress = None, cancel = None))]
    pub fn insights(
        &self,
        ledger: LedgerId,
        options: InsightOptions,
        progress: Option<Arc<dyn InsightObserver>>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Insights> {
        let mut look = |at| {
            let told = progress.as_ref().map_or(Ok(()), |progress| progress.progressed(at));
            goes_on(told, cancel.as_ref())
        };
        self.call(|engine| {
            let found = engine.insights(ledger, &options, &mut look)?;
            Ok(Insights::of(found, &Names::of(engine, ledger)?))
        })
    }

    /// The category that the person would file an entry under, learnt from what they filed so far; none where that is not
    /// certain enough, and for transfers. The category of the entry is not looked at, and nothing is written.
    ///
    /// An entry that is filed otherwise corrects it, as any that is filed teaches it.
    pub fn suggest(&self, ledger: LedgerId, new: NewExpense) -> Result<Option<Suggestion>> {
        self.call(|engine| {
            let Some(found) = engine.suggest(ledger, &new)? else { return Ok(None) };
            Ok(Some(Suggestion::of(found, &Names::of(engine, ledger)?)))
        })
    }

    /// Gives back the memory that insights and suggestions keep: when the system is short of it. They are the same afterwards,
    /// the next one slower.
    pub fn forget_insights(&self) -> Result<()> {
        self.call(|engine| {
            engine.forget_insights();
            Ok(())
        })
    }

    /// Says of an entry whether the payment that it is one of is a commitment; nothing takes back what was said.
    pub fn decide(&self, ledger: LedgerId, id: DocumentId, decision: Option<Decision>) -> Result<Expense> {
        self.call(|engine| engine.decide(ledger, id, decision))
    }

    /// Says of a payment that comes back whether it is a commitment, by its payments in their order; nothing takes every decision
    /// back that holds for it.
    pub fn decide_commitment(
        &self,
        ledger: LedgerId,
        payments: Vec<DocumentId>,
        decision: Option<Decision>,
    ) -> Result<()> {
        self.call(|engine| engine.decide_commitment(ledger, &payments, decision))
    }

    /// What was decided of payments that come back, and in which entries it stands.
    pub fn decisions(&self, ledger: LedgerId) -> Result<Vec<Decided>> {
        self.call(|engine| Ok(engine.decisions(ledger)?.into_iter().map(Into::into).collect()))
    }
}
