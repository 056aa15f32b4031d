//! Two devices change the same expense while there is no server.

use outlay_core::{Edit, Expense, Money, NewExpense};

use super::{Tour, row};
use crate::device::Outcome;

impl Tour<'_> {
    /// With the server stopped, each device goes on.
    pub(super) fn part(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("Offline: all three go on, and two change the same expense")?;
        self.stop_server()?;
        let tip = |minor| tipped(lunch, minor);
        let by_phone = Edit { amount: Some(tip(50)?), category: Some(Some(food("Restaurants"))), ..Edit::default() };
        let by_laptop = Edit { amount: Some(tip(170)?), note: Some("lunch with Ana".to_owned()), ..Edit::default() };
        self.page.line(format!("phone:  lunch was {}, category Food:Restaurants", tip(50)?))?;
        self.phone.engine.edit_expense(self.ledger, lunch.id, by_phone)?;
        self.page.line(format!("laptop: lunch was {}, note \"lunch with Ana\"", tip(170)?))?;
        self.laptop.engine.edit_expense(self.ledger, lunch.id, by_laptop)?;
        let price = tip(-800)?;
        self.page.line(format!("tablet: {price} at Corner Café, another one"))?;
        let coffee = NewExpense { date: Some(lunch.date), ..NewExpense::new(price, "Corner Café") };
        self.tablet.engine.add_expense(self.ledger, coffee)?;
        Ok(())
    }

    /// The server is back: what can be merged is merged, and what was set twice is shown.
    pub(super) fn meet(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("They meet, and nothing is lost")?;
        self.bring_together()?;
        let merged = self.phone.engine.expense(self.ledger, lunch.id)?.ok_or("the expense is gone")?;
        self.page.line("category and note were merged; the amount was set twice, and both are kept:")?;
        self.page.table(&[row(&merged)], &[1])?;
        self.show_conflict(lunch)
    }
}

/// What the expense was, and something more.
fn tipped(lunch: &Expense, minor: i64) -> Outcome<Money> {
    let amount = lunch.amount.ok_or("what was added has no amount")?;
    Ok(Money::new(amount.minor() + minor, amount.currency())?)
}

fn food(name: &str) -> outlay_core::Reference {
    outlay_core::Reference::Path(vec!["Food".to_owned(), name.to_owned()])
}
