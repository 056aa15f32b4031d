//! The pages of a ledger's expenses: JSON in, JSON out.

use axum::Json;
use axum::extract::State;
use outlay_ledger::{Date, DocumentId, Month};
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::changes;
use super::current::{self, Look};
use super::delta::{self, Delta};
use super::names::{CategoryObject, Names};
use super::object::ExpenseObject;
use super::query::{self, Cursor, Filter, Page};
use super::totals::{self, TotalObject};
use crate::api::refused::{Changed, NoSuchPage, OfLedger};
use crate::api::{ExpensePath, LedgerPath, Pages};
use crate::error::Answer;
use crate::ledgers::{LedgerRow, of_member};
use crate::node::{Node, Shared};
use crate::request::{Asked, At, Principal, page_part};
use crate::store::Result;

/// Entries of a page when nobody says how many: a screen.
const LIMIT: usize = 50;
/// Entries of a page at most: some 60 kB.
pub(super) const LIMIT_MAX: usize = 200;

pub(crate) fn router() -> Pages {
    Pages::new()
        .routes(routes!(list))
        .routes(routes!(changed))
        .routes(routes!(show))
        .routes(routes!(categories))
        .routes(routes!(sums))
        .merge(changes::router())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListIn {
    /// The first day.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day.
    #[param(format = Date)]
    to: Option<String>,
    /// Like `2026-11`.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")]
    month: Option<String>,
    /// The payee, whatever its case.
    merchant: Option<String>,
    /// An id or a path; with all below it.
    category: Option<String>,
    /// Words of payee, note and tags begin with each of these.
    text: Option<String>,
    /// Entries of a page; 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl ListIn {
    fn read(self) -> Answer<(Filter, Option<Cursor>, usize)> {
        let date = |text: String| Date::parse(&text).map_err(|_| Code::Invalid);
        let filter = Filter {
            from: self.from.map(date).transpose()?,
            to: self.to.map(date).transpose()?,
            month: self.month.as_deref().map(month).transpose()?,
            merchant: self.merchant,
            category: self.category,
            text: self.text,
        };
        let cursor = self.cursor.map(|text| text.parse().map_err(|()| Code::Invalid)).transpose()?;
        Ok((filter, cursor, limit(self.limit)?))
    }
}

pub(super) fn month(text: &str) -> std::result::Result<Month, Code> {
    Month::parse(text).map_err(|_| Code::Invalid)
}

pub(super) fn limit(asked: Option<usize>) -> Answer<usize> {
    let limit = asked.unwrap_or(LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) { Ok(limit) } else { Err(Code::Invalid.into()) }
}

/// A page of expenses, the newest first.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/expenses",
    tag = "expenses",
    params(LedgerPath, ListIn),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = Page), OfLedger)
)]
async fn list(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    Asked(asked): Asked<ListIn>,
) -> Answer<Json<Page>> {
    let (filter, after, limit) = asked.read()?;
    let read = move |connection: &Connection, row: &LedgerRow| query::page(connection, row.lid, &filter, after, limit);
    Ok(Json(read_ledger(&node, &principal, &ledger, read).await?))
}

/// One expense, also from the trash.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/expenses/{expense}",
    tag = "expenses",
    params(ExpensePath),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = ExpenseObject), OfLedger, NoSuchPage)
)]
async fn show(
    State(node): Shared,
    principal: Principal,
    At(ExpensePath { ledger, expense }): At<ExpensePath>,
) -> Answer<Json<ExpenseObject>> {
    let id: DocumentId = page_part(&expense)?;
    let read = move |connection: &Connection, row: &LedgerRow| query::expense(connection, row.lid, &id);
    Ok(Json(read_ledger(&node, &principal, &ledger, read).await?.ok_or(Code::NoSuchPage)?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DeltaIn {
    /// The `cursor` of the answer before; without it all is listed.
    cursor: Option<String>,
    /// Entries of a page; 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// What has changed since a cursor. One of before a restore is refused: begin anew.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/expenses/delta",
    tag = "expenses",
    params(LedgerPath, DeltaIn),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = Delta), OfLedger, Changed)
)]
async fn changed(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    Asked(asked): Asked<DeltaIn>,
) -> Answer<Json<Delta>> {
    let since = asked.cursor.map(|text| text.parse().map_err(|()| Code::Invalid)).transpose()?;
    let limit = limit(asked.limit)?;
    let read = move |connection: &Connection, row: &LedgerRow| delta::delta(connection, row.lid, since, limit);
    Ok(Json(read_ledger(&node, &principal, &ledger, read).await??))
}

#[derive(Serialize, ToSchema)]
struct CategoriesOut {
    categories: Vec<CategoryObject>,
}

/// The categories, by path.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/categories",
    tag = "expenses",
    params(LedgerPath),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = CategoriesOut), OfLedger)
)]
async fn categories(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
) -> Answer<Json<CategoriesOut>> {
    let read = |connection: &Connection, row: &LedgerRow| Names::new(connection, row.lid).listed();
    Ok(Json(CategoriesOut { categories: read_ledger(&node, &principal, &ledger, read).await? }))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TotalsIn {
    /// Like `2026-11`.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")]
    month: String,
}

#[derive(Serialize, ToSchema)]
struct TotalsOut {
    totals: Vec<TotalObject>,
}

/// What was spent and earned in a month, by category and currency.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/totals",
    tag = "expenses",
    params(LedgerPath, TotalsIn),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = TotalsOut), OfLedger)
)]
async fn sums(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    Asked(asked): Asked<TotalsIn>,
) -> Answer<Json<TotalsOut>> {
    let month = month(&asked.month)?;
    let read = move |connection: &Connection, row: &LedgerRow| totals::totals(connection, row.lid, month);
    Ok(Json(TotalsOut { totals: read_ledger(&node, &principal, &ledger, read).await? }))
}

/// Reads the rows of a ledger for a member of it, as of now or later.
pub(super) async fn read_ledger<T: Send + 'static>(
    node: &Node,
    principal: &Principal,
    ledger: &str,
    read: impl Fn(&Connection, &LedgerRow) -> Result<T> + Clone + Send + 'static,
) -> Answer<T> {
    let (ledger, aid) = (principal.ledger(ledger)?, principal.session.aid);
    let look = move |connection: &Connection, is_folded| {
        let row = match of_member(connection, &ledger, aid)? {
            Ok((row, ..)) => row,
            Err(code) => return Ok(Look::Refused(code)),
        };
        current::rows(connection, &row, is_folded, |_| read(connection, &row))
    };
    Ok(current::read(node, ledger, look).await??)
}
