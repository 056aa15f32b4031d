//! Payments by seller, kept up to date row by row: what usual prices and the rhythm map are made of.
//!
//! What is said of a seller is remembered until one of its payments changes. Currencies are never added to each other, and
//! what is not a payment is not in here.

use std::collections::BTreeMap;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind};

use crate::prices::{self, Amounts, Prices, Seller};
use crate::rhythm::{self, Gap, Rhythm};
use crate::statistics::midpoint;

/// A payment: when, which entry, how many minor units.
pub(crate) type Payment = (Date, DocumentId, i64);

/// The payments to each seller.
#[derive(Debug, Clone, Default)]
pub struct Sellers(BTreeMap<Currency, Market>);

/// The payments in one currency.
#[derive(Debug, Clone, Default)]
struct Market {
    /// Payees, and categories of payments that name none.
    sellers: BTreeMap<Seller, Known>,
    /// Each category, whoever was paid.
    categories: BTreeMap<DocumentId, Known>,
    /// How many payments of each amount there are.
    amounts: BTreeMap<i64, usize>,
    payments: usize,
}

/// A seller, and what was said of it since its payments changed.
#[derive(Debug, Clone, Default)]
struct Known {
    /// By date and then entry.
    payments: Vec<Payment>,
    /// What was said of how many payments, the first.
    amounts: Option<(usize, Amounts)>,
    gap: Option<Option<Gap>>,
}

impl Sellers {
    /// The payments among these rows up to `today`.
    pub fn of(rows: &[Spend], today: Date) -> Self {
        let mut sellers = Self::default();
        rows.iter().filter(|row| row.date <= today).for_each(|row| sellers.add(row));
        sellers
    }

    /// Takes in a row, if it is a payment.
    pub fn add(&mut self, row: &Spend) {
        if !is_payment(row) {
            return;
        }
        let market = self.0.entry(row.amount.currency()).or_default();
        market.payments += 1;
        *market.amounts.entry(row.amount.minor()).or_default() += 1;
        let payment = (row.date, row.id, row.amount.minor());
        if let Some(category) = row.category {
            market.categories.entry(category).or_default().add(payment);
        }
        if let Some(seller) = Seller::of(row) {
            market.sellers.entry(seller).or_default().add(payment);
        }
    }

    /// Takes out a row that was taken in.
    pub fn remove(&mut self, row: &Spend) {
        if !is_payment(row) {
            return;
        }
        let Some(market) = self.0.get_mut(&row.amount.currency()) else { return };
        market.remove(row);
        if market.payments == 0 {
            self.0.remove(&row.amount.currency());
        }
    }

    /// The currencies, the one with the most payments first.
    pub fn currencies(&self) -> Vec<Currency> {
        let mut ranked: Vec<(usize, Currency)> =
            self.0.iter().map(|(currency, own)| (own.payments, *currency)).collect();
        ranked.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        ranked.into_iter().map(|(_, currency)| currency).collect()
    }

    /// What one pays at each seller with enough payments, those with the most first; see [`prices::prices`].
    pub fn prices(&mut self, currency: Currency) -> Vec<Prices> {
        let Some(market) = self.0.get_mut(&currency) else { return Vec::new() };
        let payees = market.sellers.iter_mut().filter(|(seller, _)| matches!(seller, Seller::Payee(_)));
        let payees = payees.map(|(seller, known)| (seller.clone(), known));
        let categories = market.categories.iter_mut().map(|(category, known)| (Seller::Category(*category), known));
        let mut enough: Vec<(Seller, &mut Known)> =
            payees.chain(categories).filter(|(_, known)| known.payments.len() >= prices::ROWS_MIN).collect();
        enough.sort_unstable_by(|one, other| {
            other.1.payments.len().cmp(&one.1.payments.len()).then_with(|| one.0.cmp(&other.0))
        });
        let told = enough.into_iter().take(prices::SELLERS_MAX).map(|(seller, known)| Prices {
            seller,
            payments: known.payments.len(),
            amounts: known.amounts(currency),
        });
        told.collect()
    }

    /// The rhythm map of a currency; see [`rhythm::rhythm`].
    pub fn rhythm(&mut self, currency: Currency) -> Rhythm {
        let Some(market) = self.0.get_mut(&currency) else { return Rhythm { points: Vec::new(), typical: None } };
        let Some(line) = market.median() else { return Rhythm { points: Vec::new(), typical: None } };
        let gaps = market.sellers.iter_mut().filter_map(|(seller, known)| {
            let gap = *known.gap.get_or_insert_with(|| rhythm::gap(&known.payments));
            gap.map(|gap| (seller, known.payments.len(), gap))
        });
        rhythm::map(gaps.collect(), line, currency)
    }
}

impl Known {
    fn add(&mut self, payment: Payment) {
        let is_last = self.payments.last().is_none_or(|last| *last < payment);
        let place = if is_last { self.payments.len() } else { self.payments.partition_point(|other| *other < payment) };
        self.payments.insert(place, payment);
        self.changed(place);
    }

    /// Forgets what was said, if it was from the payment at a place.
    fn changed(&mut self, place: usize) {
        self.amounts = self.amounts.take().filter(|(from, _)| *from <= place);
        self.gap = None;
    }

    /// What one pays, from the payments but the newest few.
    fn amounts(&mut self, currency: Currency) -> Amounts {
        let from = prices::settled(self.payments.len());
        match self.amounts.take().filter(|(known, _)| *known == from) {
            Some(known) => self.amounts.insert(known).1.clone(),
            None => {
                let payments = self.payments.get(..from).unwrap_or_default();
                self.amounts.insert((from, prices::amounts(payments, currency))).1.clone()
            }
        }
    }

    /// Whether there is none left.
    fn remove(&mut self, payment: Payment) -> bool {
        if let Ok(place) = self.payments.binary_search(&payment) {
            self.payments.remove(place);
            self.changed(place);
        }
        self.payments.is_empty()
    }
}

impl Market {
    fn remove(&mut self, row: &Spend) {
        self.payments = self.payments.saturating_sub(1);
        if let Some(count) = self.amounts.get_mut(&row.amount.minor()) {
            *count -= 1;
            if *count == 0 {
                self.amounts.remove(&row.amount.minor());
            }
        }
        let payment = (row.date, row.id, row.amount.minor());
        if let Some(category) = row.category
            && self.categories.get_mut(&category).is_some_and(|known| known.remove(payment))
        {
            self.categories.remove(&category);
        }
        if let Some(seller) = Seller::of(row)
            && self.sellers.get_mut(&seller).is_some_and(|known| known.remove(payment))
        {
            self.sellers.remove(&seller);
        }
    }

    /// The median amount of all payments.
    fn median(&self) -> Option<i64> {
        let at = |rank: usize| {
            let mut below = 0;
            self.amounts.iter().find_map(|(minor, count)| {
                below += count;
                (below > rank).then_some(*minor)
            })
        };
        let middle = self.payments / 2;
        let upper = at(middle)?;
        if self.payments % 2 == 1 { Some(upper) } else { Some(midpoint(at(middle.checked_sub(1)?)?, upper)) }
    }
}

/// Whether a row is money paid.
fn is_payment(row: &Spend) -> bool {
    row.kind == EntryKind::Expense && row.amount.minor() > 0
}

impl Seller {
    /// The payee of a row, or else its category.
    fn of(row: &Spend) -> Option<Self> {
        let payee = row.payee.trim();
        if payee.is_empty() { row.category.map(Self::Category) } else { Some(Self::Payee(payee.to_owned())) }
    }
}
