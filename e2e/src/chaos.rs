//! A seeded storm: hundreds of jobs with known ends run while workers are killed and frozen, engines
//! vanish and requests go wrong; afterwards the books are checked.
//!
//! Every job must have exactly one verdict, the right one; every kept output must be complete or say
//! where it is not; nothing may be left on an engine; and nothing may have run twice unless its
//! policy allows that. The seed decides what happens and in which order, so that a storm can be
//! raised again; only how far the jobs have come by then is the machine's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

mod books;
mod database;
mod planned;
mod stage;
mod trouble;

use planned::Planned;
use stage::Stage;
use trouble::Trouble;

/// Between two troubles.
const LULL: std::ops::Range<u64> = 50..1500;
/// All trouble is over after this time, whatever has become of the jobs.
const STORM_LIMIT: Duration = Duration::from_mins(8);
/// What was heard of last: everything is final and removed so long after the storm.
const CALM_LIMIT: Duration = Duration::from_mins(6);

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many jobs there are.
    pub jobs: usize,
    /// How many engines they may run on.
    pub engines: usize,
    /// How many workers move them.
    pub workers: usize,
    /// Whether engines are killed and stopped, too.
    pub engines_fall: bool,
    /// Where jobs are kept.
    pub store: StoreKind,
}

/// Where the jobs of a storm are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file that all workers of one machine share.
    Sqlite,
    /// A server, with workers as on several machines; it has troubles of its own.
    Postgres,
}

/// What happened.
#[derive(Debug)]
pub struct Aftermath {
    /// How often each kind of trouble befell the pool.
    pub troubles: BTreeMap<&'static str, usize>,
    /// How many jobs ended in each way.
    pub verdicts: BTreeMap<String, usize>,
    /// Attempts of all jobs together.
    pub attempts: usize,
    /// Everything that is not as it must be; empty when nothing was lost, doubled, leaked or
    /// misreported.
    pub wrong: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Storm {
    /// Raises the storm and checks the books.
    ///
    /// # Panics
    /// When an engine or a worker cannot be started at all.
    pub fn rage(self) -> Aftermath {
        let began = Instant::now();
        let mut rng = Rng::with_seed(self.seed);
        let jobs: Vec<Planned> = (0..self.jobs)
            .map(|number| Planned::draw(&mut rng, number))
            .collect();
        let mut stage = Stage::set(self);
        stage.submit(&jobs);
        let mut troubles = BTreeMap::new();
        let mut unwanted: Vec<&Planned> = jobs.iter().filter(|job| job.is_unwanted()).collect();
        while began.elapsed() < STORM_LIMIT && stage.has_open_jobs() {
            stage.pause(Duration::from_millis(rng.u64(LULL)));
            let trouble = Trouble::draw(&mut rng, self);
            *troubles.entry(trouble.name()).or_default() += 1;
            stage.befall(trouble);
            let weary = rng.usize(..=unwanted.len() * 2);
            if weary < unwanted.len() && stage.cancel(unwanted[weary]) {
                unwanted.swap_remove(weary);
            }
        }
        stage.calm();
        for job in unwanted {
            stage.cancel(job);
        }
        let mut wrong = stage.settle(CALM_LIMIT);
        let books = books::Books::read(&stage, &jobs);
        wrong.extend(books.wrong(&jobs, &troubles));
        wrong.extend(stage.leftovers());
        Aftermath {
            verdicts: books.verdicts(),
            attempts: books.attempts(),
            troubles,
            wrong,
            took: began.elapsed(),
        }
    }
}
