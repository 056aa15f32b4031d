//! Programs that read a ledger of a hundred thousand expenses by HTTP: alone, and while many people sign in.
//!
//! Requests come by a clock, whatever becomes of those before: one that had to wait counts from when it was due.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use outlay_core::ImportRow;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::block_on;
use super::person::Person;
use crate::figure::{At, Figure, LOGINS_PER_SECOND, READ, READS_PER_SECOND};
use crate::generate::{Chance, Row, Rows};
use crate::ground::Outcome;
use crate::http::Http;
use crate::meter::{median, percentile};
use crate::report::{Measured, Report};
use crate::server::{PASSWORD, Server, email, sign_up_program};

/// Connections that programs keep.
const CONNECTIONS: u64 = 16;
/// Pages a second while people sign in, and before that to compare with.
const PAGES_PER_SECOND: u64 = 100;
/// People who sign in again and again: an account has not endless sessions.
const PEOPLE: usize = 40;
/// Seconds in which a hundred thousand rows are made.
const MAKING_SECONDS_MAX: u32 = 60;
/// Expenses of a page, and of one when cursors are gathered.
const PAGE: usize = 50;
const WALK_PAGE: usize = 200;

/// A ledger that is read by HTTP.
struct Shelf {
    server: SocketAddr,
    path: String,
    bearer: String,
    /// Where pages begin, all through the ledger.
    cursors: Vec<String>,
}

/// So many a second from a beginning on.
#[derive(Clone, Copy)]
struct Clock {
    begin: Instant,
    per_second: u64,
}

/// Measures pages, then pages beside logins.
pub(crate) fn run(folder: &Path, seconds: u64, report: &mut Report) -> Outcome<()> {
    let server = Server::start_for_programs(folder)?;
    block_on(async {
        let shelf = Shelf::fill(&server).await?;
        let mut pages = shelf.read(READS_PER_SECOND, seconds).await?;
        let mut put = |figure, at, value| report.put(figure, at, Measured { value, ..Measured::default() });
        let at = At::PerSecond(READS_PER_SECOND);
        put(Figure::ReadMedian, at, median(&mut pages));
        put(Figure::ReadTail, at, percentile(&mut pages, 99));
        for number in 0..PEOPLE {
            sign_up_program(server.address, &email(number + 1)).await?;
        }
        let alone = percentile(&mut shelf.read(PAGES_PER_SECOND, seconds).await?, 99);
        let signing_in = sign_in(server.address, seconds);
        let (mut pages, (rate, shed)) = try_join(shelf.read(PAGES_PER_SECOND, seconds), signing_in).await?;
        let at = At::PerSecond(LOGINS_PER_SECOND);
        put(Figure::Logins, at, rate);
        put(Figure::LoginsShed, at, shed);
        put(Figure::ReadMeanwhile, at, percentile(&mut pages, 99) * 1_000 / alone.max(1));
        Ok(())
    })?;
    server.stop()
}

impl Shelf {
    /// One import goes up, and is read once from end to end.
    async fn fill(server: &Server) -> Outcome<Self> {
        let person = Person::sign_up(server.address, 0).await?;
        let rows = Rows::new(0).file(usize::try_from(READ)?);
        let rows = rows.iter().map(Row::import).collect::<outlay_core::Result<Vec<ImportRow>>>()?;
        person.engine.import_rows(person.ledger, rows)?;
        person.sync(server.address).await?;
        let path = format!("/v1/ledgers/{}/expenses", person.ledger);
        let bearer = format!("Bearer {}", person.device.entered.token);
        let mut shelf = Self { server: server.address, path, bearer, cursors: Vec::new() };
        let mut http = Http::connect(server.address).await?;
        shelf.make_rows(&mut http).await?;
        let (mut cursor, mut count) = (None, 0);
        loop {
            let page: Value = serde_json::from_slice(&shelf.page(&mut http, WALK_PAGE, cursor.as_deref()).await?)?;
            count += page["expenses"].as_array().map_or(0, Vec::len) as u64;
            match page["next"].as_str() {
                Some(next) => shelf.cursors.push(next.to_owned()),
                None if count == READ => return Ok(shelf),
                None => return Err(format!("{count} expenses are listed of {READ}").into()),
            }
            cursor = shelf.cursors.last().cloned();
        }
    }

    /// The rows are made when they are first asked for; meanwhile the server says to come back.
    async fn make_rows(&self, http: &mut Http) -> Outcome<()> {
        for _ in 0..MAKING_SECONDS_MAX {
            let request = Request::get(format!("{}?limit=1", self.path)).header("authorization", &self.bearer);
            let answer = http.ask(request, Bytes::new()).await?;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                return answer.ok().map(drop);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err("the rows of the ledger are not made".into())
    }

    async fn page(&self, http: &mut Http, limit: usize, cursor: Option<&str>) -> Outcome<Bytes> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let request = Request::get(format!("{}?limit={limit}{cursor}", self.path));
        http.ask(request.header("authorization", &self.bearer), Bytes::new()).await?.ok()
    }

    /// Reads pages from anywhere, and says how long after it was due each was there, in nanoseconds.
    async fn read(&self, per_second: u64, seconds: u64) -> Outcome<Vec<u64>> {
        let clock = Clock { begin: Instant::now() + Duration::from_millis(100), per_second };
        let reading = (0..CONNECTIONS).map(|place| async move {
            let (mut http, mut chance) = (Http::connect(self.server).await?, Chance(place));
            let mut times = Vec::new();
            for number in (place..per_second * seconds).step_by(usize::try_from(CONNECTIONS)?) {
                let cursor = chance.below(self.cursors.len() as u64);
                let cursor = self.cursors.get(usize::try_from(cursor)?).map(String::as_str);
                let due = clock.due(number);
                sleep_until(due).await;
                self.page(&mut http, PAGE, cursor).await?;
                times.push(u64::try_from(due.elapsed().as_nanos())?);
            }
            Outcome::Ok(times)
        });
        Ok(try_join_all(reading).await?.concat())
    }
}

/// Lets people sign in: how many could in a second, and how many were told to come back.
async fn sign_in(server: SocketAddr, seconds: u64) -> Outcome<(u64, u64)> {
    let clock = Clock { begin: Instant::now() + Duration::from_millis(100), per_second: LOGINS_PER_SECOND };
    let logins = (0..LOGINS_PER_SECOND * seconds).map(|number| async move {
        sleep_until(clock.due(number)).await;
        let place = usize::try_from(number)? % PEOPLE;
        let body = json!({ "email": email(place + 1), "password": PASSWORD });
        let request = Request::post("/v1/auth/login").header("content-type", "application/json");
        let answer = Http::connect(server).await?.ask(request, Bytes::from(body.to_string())).await?;
        match answer.status {
            StatusCode::OK => Outcome::Ok(true),
            StatusCode::SERVICE_UNAVAILABLE if answer.headers.contains_key("retry-after") => Ok(false),
            _ => answer.ok().map(|_| true),
        }
    });
    let signed_in = try_join_all(logins).await?;
    let done = signed_in.iter().filter(|is_in| **is_in).count() as u64;
    let ms = u64::try_from(clock.begin.elapsed().as_millis())?;
    Ok((done * 1_000 / ms.max(1), signed_in.len() as u64 - done))
}

impl Clock {
    fn due(self, number: u64) -> Instant {
        self.begin + Duration::from_nanos(number * 1_000_000_000 / self.per_second)
    }
}
