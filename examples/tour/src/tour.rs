//! The story, chapter by chapter.

mod begin;
mod conflict;
mod live;
mod look;
mod server;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use outlay_core::sync::SyncReport;
use outlay_core::{Author, Expense, FieldValue, LedgerId, TimeOfDay};

use crate::device::{Device, Holding, Outcome};
use crate::page::{Page, counted, grouped, time};
use crate::server::Server;

/// Where to go next.
const NEXT: [(&str, &str); 6] = [
    ("make tour CSV=path", "the same with your own export"),
    ("make server", "a server that stays; see README.md"),
    ("cargo install --path examples/cli", "outlay, to keep your expenses with"),
    ("cargo doc --open -p outlay-core", "the engine, for a program of your own"),
    ("docs/ARCHITECTURE.md", "how it works, and where everything is"),
    ("make bench", "how fast it is here"),
];

/// What the tour is made with.
pub(crate) struct Setup {
    /// What the file is called that the phone imports.
    pub(crate) name: String,
    pub(crate) csv: Vec<u8>,
    /// Years of expenses that the tablet has: enough that sending them takes a while.
    pub(crate) earlier_years: i32,
    /// The program of the server.
    pub(crate) server: PathBuf,
    pub(crate) is_coloured: bool,
}

/// Three devices of one person, and a server.
struct Tour<'a> {
    phone: Device,
    laptop: Device,
    tablet: Device,
    server: Server,
    /// The ledger that most is done in: the phone's.
    ledger: LedgerId,
    traffic: Traffic,
    page: Page<'a>,
}

/// What all syncs took together, those of live devices aside.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    syncs: u64,
    bytes_up: u64,
    bytes_down: u64,
    spent: Duration,
}

/// Tells the whole story. It is an error if the devices do not agree at the end of it.
pub(crate) fn run(setup: &Setup, out: &mut dyn Write) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let mut page = Page::new(out, setup.is_coloured);
    page.say("One person with a phone, a laptop and a tablet. Each keeps everything in an")?;
    page.say("SQLite file of its own and needs no network. Later there is a server, too.")?;
    let open = |name| Device::open(folder.path(), name);
    let (phone, laptop, tablet) = (open("phone")?, open("laptop")?, open("tablet")?);
    let server = Server::new(&setup.server, folder.path());
    let ledger = begin::import(&phone, setup, &mut page)?;
    let mut tour = Tour { phone, laptop, tablet, server, ledger, traffic: Traffic::default(), page };
    let lunch = tour.add()?;
    tour.begin_others(setup.earlier_years)?;
    tour.enter_account()?;
    tour.kill_server()?;
    tour.part(&lunch)?;
    tour.meet(&lunch)?;
    tour.go_live(&lunch)?;
    tour.look(&lunch)?;
    tour.end()
}

impl Tour<'_> {
    fn devices(&self) -> [&Device; 3] {
        [&self.phone, &self.laptop, &self.tablet]
    }

    /// Syncs devices, one after the other, and prints a line for each.
    fn sync(&mut self, which: &[fn(&Self) -> &Device]) -> Outcome<()> {
        let mut rows = Vec::with_capacity(which.len());
        for device in which {
            let device = device(self);
            let (report, spent) = device.sync()?;
            rows.push(traffic_row(device.name, &report, spent));
            self.traffic.add(&report, spent);
        }
        Ok(self.page.table(&rows, &[1, 2, 3, 4, 5])?)
    }

    /// Compares all that the three would export of every ledger.
    fn agree(&mut self) -> Outcome<Vec<Holding>> {
        let [phone, laptop, tablet] = self.devices().map(Device::holdings);
        let (phone, laptop, tablet) = (phone?, laptop?, tablet?);
        if phone != laptop || phone != tablet {
            return Err(format!("the devices do not agree: {phone:?} {laptop:?} {tablet:?}").into());
        }
        let bytes = phone.iter().map(|holding| holding.export_bytes).sum();
        let ledgers = counted(phone.len() as u64, "ledger", "ledgers");
        self.page.good(format!("all three export the same {ledgers}, byte for byte: {} bytes", grouped(bytes)))?;
        Ok(phone)
    }

    fn end(mut self) -> Outcome<()> {
        self.page.chapter("The end: three devices that hold the same")?;
        let rows: Vec<[String; 3]> = self.agree()?.iter().map(holding_row).collect();
        self.page.table(&rows, &[1])?;
        let Traffic { syncs, bytes_up, bytes_down, spent } = self.traffic;
        let (up, down) = (grouped(bytes_up), grouped(bytes_down));
        self.page.line(format!("{syncs} syncs: {up} bytes up, {down} bytes down, {} in all", time(spent)))?;
        self.server.stop()?;
        let server = grouped(self.server.bytes()?);
        let phone = grouped(self.phone.close()?);
        self.page.line(format!("on disk: {phone} bytes on the phone, {server} bytes on the server"))?;
        self.page.say("\nAll of it was in a temporary folder that is gone now. Where to go next:\n")?;
        for (what, why) in NEXT {
            self.page.line(format!("{what:<34}  {why}"))?;
        }
        Ok(())
    }

    /// Which of the devices wrote something.
    fn name(&self, author: &Author) -> &'static str {
        self.devices().iter().find(|device| device.key() == author.device).map_or("server", |device| device.name)
    }
}

impl Traffic {
    fn add(&mut self, report: &SyncReport, spent: Duration) {
        self.syncs += 1;
        self.bytes_up += report.bytes_up;
        self.bytes_down += report.bytes_down;
        self.spent += spent;
    }
}

fn traffic_row(name: &str, report: &SyncReport, spent: Duration) -> [String; 6] {
    [
        name.to_owned(),
        format!("pushed {}", grouped(report.pushed)),
        format!("pulled {}", grouped(report.pulled)),
        format!("{} B up", grouped(report.bytes_up)),
        format!("{} B down", grouped(report.bytes_down)),
        time(spent),
    ]
}

fn holding_row(holding: &Holding) -> [String; 3] {
    [holding.name.clone(), counted(holding.entries, "entry", "entries"), format!("export {}", holding.digest)]
}

fn row(expense: &Expense) -> [String; 5] {
    let amount = expense.amount.map_or_else(|| "?".to_owned(), |amount| amount.to_string());
    let category = expense.category.as_ref().map_or_else(String::new, |category| category.name.clone());
    [expense.date.to_string(), amount, expense.payee.clone(), category, expense.note.clone()]
}

/// The time of day of an instant, in UTC.
fn clock(time_ms: i64) -> String {
    let seconds = u32::try_from(time_ms.div_euclid(1_000).rem_euclid(86_400)).unwrap_or(0);
    TimeOfDay::from_seconds(seconds).map_or_else(String::new, |time| time.to_string())
}

fn described(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "(none)".to_owned(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Money { amount, .. } => amount.to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Time(time) => time.to_string(),
        FieldValue::Thing(named) => named.name.clone(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Attachment { name, .. } => name.clone(),
        FieldValue::Newer => "(newer)".to_owned(),
    }
}
