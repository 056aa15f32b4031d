//! A simulator: devices and a server in one thread, from one seed, with real databases, until something breaks.
//!
//! The devices are production engines on files, driven through their own sync sessions; the server is the production store
//! behind production sessions. What is simulated is what lies around them: time, randomness, the network, people, and
//! everything that fails. After every event an [`oracle`] looks at the database files and at what was said on the wire. In
//! the end all is healed, and everybody must come to hold the same within two minutes.
//!
//! Nothing here waits, and nothing is left to chance: a seed gives the same course every time.
//!
//! ```no_run
//! let report = outlay_testkit::run(&outlay_testkit::Plan::of_seed(7)).map_err(|failure| failure.to_string())?;
//! println!("{}", report.coverage);
//! # Ok::<(), String>(())
//! ```

pub mod clock;
pub mod coverage;
pub mod device;
pub mod disk;
pub mod fault;
pub mod household;
pub mod membership;
pub mod oracle;
pub mod program;
pub mod queue;
pub mod random;
pub mod server;
pub mod shelf;
pub mod trace;
pub mod user;
mod violation;
pub mod wire;
pub mod world;

use std::fmt;

pub use coverage::{Coverage, Mark};
pub use violation::Violation;
use world::World;

/// What happens to people, devices and the server in one run before all is healed.
pub const HAPPENINGS: usize = 300;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// What happens before all is healed.
    pub happenings: usize,
    /// Whether every line of the course is printed as it happens.
    pub echo: bool,
}

impl Plan {
    /// The usual run of a seed.
    pub fn of_seed(seed: u64) -> Self {
        Self { seed, happenings: HAPPENINGS, echo: false }
    }
}

/// What a run that went well came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The cases that it met.
    pub coverage: Coverage,
    /// A hash over its course.
    pub digest: [u8; 32],
    /// Events: happenings, frames, answers, ticks.
    pub events: u64,
    /// Commits that users were told are saved.
    pub told: usize,
    /// Of these, how many were lost with what was restored, because nobody else held them.
    pub lost: usize,
    /// Simulated milliseconds that it took to come to hold the same.
    pub healed_ms: i64,
}

/// What a run that broke something came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The number of the event, from 1.
    pub event: u64,
    /// What was broken.
    pub violation: Violation,
    /// The last lines of the course.
    pub last: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.last {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}, event {}: {}", self.seed, self.event, self.violation)?;
        write!(f, "again, with every line: make sim SEEDS=1 FROM={}", self.seed)
    }
}

/// Runs one seed to its end.
///
/// # Errors
///
/// The first promise that was broken.
pub fn run(plan: &Plan) -> Result<Report, Box<Failure>> {
    let shelf = shelf::Shelf::default();
    let failed = |event, violation, last| Box::new(Failure { seed: plan.seed, event, violation, last });
    let folder = tempfile::tempdir().map_err(|error| failed(0, error.into(), Vec::new()))?;
    let mut world = World::new(plan, folder.path(), &shelf).map_err(|violation| failed(0, violation, Vec::new()))?;
    match world.live() {
        Ok(()) => Ok(world.report()),
        Err(violation) => Err(failed(world.events(), violation, world.last_lines())),
    }
}
