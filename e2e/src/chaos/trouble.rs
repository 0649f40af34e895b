//! What may befall a pool.

use std::time::Duration;

use fastrand::Rng;
use longshore_testkit::{Fault, Rule};

use super::{StoreKind, Storm};

/// One misfortune; places are counted from 0.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// A worker is killed; another takes its place.
    KillWorker { worker: usize, away: Duration },
    /// A worker is asked to leave; another takes its place.
    EndWorker { worker: usize, away: Duration },
    /// A worker stands still, maybe for longer than its leases last.
    FreezeWorker { worker: usize, lasts: Duration },
    /// Some requests to an engine go wrong.
    Requests { engine: usize, rule: Rule },
    /// An engine cannot be reached.
    CutOff { engine: usize, lasts: Duration },
    /// An engine is killed, and comes back.
    KillEngine { engine: usize, away: Duration },
    /// An engine is stopped in good order, and comes back.
    StopEngine { engine: usize, away: Duration },
    /// The database, where there is one.
    Database(DatabaseTrouble),
}

/// What may befall a database server, or the way to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum DatabaseTrouble {
    /// All connections of the workers break.
    Cut,
    /// Workers cannot reach it.
    CutOff { lasts: Duration },
    /// The answer to the next commit of a worker is lost, with its connection.
    LoseCommit,
    /// The server goes down and comes back.
    Restart,
}

/// An engine that answers a start with 500 has refused it: that is no trouble on the way.
const START: (&str, &str) = ("POST", "/start");
/// Method and path of the requests that may go wrong.
const REQUESTS: [(&str, &str); 8] = [
    ("POST", "/containers/create"),
    START,
    ("POST", "/stop"),
    ("GET", "/json"),
    ("GET", "/logs"),
    ("GET", "/events"),
    ("GET", "/stats"),
    ("DELETE", "/containers/"),
];

impl Trouble {
    pub(super) fn draw(rng: &mut Rng, storm: Storm) -> Self {
        let (engine, worker) = (rng.usize(..storm.engines), rng.usize(..storm.workers));
        let lasts = Duration::from_millis(rng.u64(200..6000));
        match rng.u32(..100) {
            0..12 => Self::KillWorker {
                worker,
                away: lasts / 2,
            },
            12..18 => Self::EndWorker {
                worker,
                away: lasts / 2,
            },
            18..22 => Self::FreezeWorker { worker, lasts },
            // Longer than a lease.
            22..24 => Self::FreezeWorker {
                worker,
                lasts: Duration::from_secs(35),
            },
            24..30 => Self::CutOff { engine, lasts },
            30..33 if storm.engines_fall => Self::KillEngine {
                engine,
                away: lasts,
            },
            33..35 if storm.engines_fall => Self::StopEngine {
                engine,
                away: lasts,
            },
            35..50 if storm.store == StoreKind::Postgres => {
                Self::Database(DatabaseTrouble::draw(rng, lasts))
            }
            _ => Self::Requests {
                engine,
                rule: rule(rng),
            },
        }
    }

    /// What it is called in the report.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::KillWorker { .. } => "worker killed",
            Self::EndWorker { .. } => "worker ended",
            Self::FreezeWorker { .. } => "worker frozen",
            Self::Requests { .. } => "requests disturbed",
            Self::CutOff { .. } => "engine cut off",
            Self::KillEngine { .. } => ENGINE_KILLED,
            Self::StopEngine { .. } => ENGINE_STOPPED,
            Self::Database(DatabaseTrouble::Cut) => "database connections cut",
            Self::Database(DatabaseTrouble::CutOff { .. }) => "database cut off",
            Self::Database(DatabaseTrouble::LoseCommit) => "answer to a commit lost",
            Self::Database(DatabaseTrouble::Restart) => "database restarted",
        }
    }
}

impl DatabaseTrouble {
    fn draw(rng: &mut Rng, lasts: Duration) -> Self {
        match rng.u32(..10) {
            0..3 => Self::Cut,
            3..5 => Self::CutOff { lasts: lasts * 3 },
            5..9 => Self::LoseCommit,
            _ => Self::Restart,
        }
    }
}

pub(super) const ENGINE_KILLED: &str = "engine killed";
pub(super) const ENGINE_STOPPED: &str = "engine stopped";

fn rule(rng: &mut Rng) -> Rule {
    let request = REQUESTS[rng.usize(..REQUESTS.len())];
    let (method, path) = request;
    let fault = match rng.u32(..6) {
        0 => Fault::LoseReply,
        1 => Fault::LoseRequest,
        2 => Fault::Hang,
        3 => Fault::Delay(Duration::from_millis(rng.u64(10..3000))),
        4 if request != START => Fault::Answer {
            status: 500,
            body: r#"{"message":"a storm"}"#.to_owned(),
        },
        _ => Fault::CutAfter(rng.usize(..2000)),
    };
    // A call that hangs has a long deadline: one at a time is enough.
    let times = if fault == Fault::Hang { 1 } else { 3 };
    Rule::every(path, fault)
        .method(method)
        .after(rng.usize(..3))
        .times(rng.usize(1..=times))
}
