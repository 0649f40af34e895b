//! The pool that the storm rages over: engines behind proxies, workers, and a folder of marks.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use longshore_testkit::{
    Engine, EngineOptions, Fault, FaultProxy, Rule, RuleId, eventually, load_demo_image,
};
use serde_json::{Value, json};

use super::database::Database;
use super::planned::Planned;
use super::trouble::{DatabaseTrouble, Trouble};
use super::{StoreKind, Storm};
use crate::drill::{Drill, Process};

/// Attempts at one time on each engine.
const SLOTS: &str = "8";
/// How much longer than meant anything may take while engines are started and stopped.
const STORMY: Duration = Duration::from_mins(3);

/// An engine, as the pool reaches it.
struct Site {
    engine: Engine,
    proxy: FaultProxy,
}

/// What ends a trouble that lasts.
#[derive(Clone, Copy)]
enum Relief {
    NewWorker(usize),
    Thaw(usize),
    Reach(usize, RuleId),
    EngineBack(usize),
    DatabaseBack,
}

pub(super) struct Stage {
    sites: Vec<Site>,
    database: Option<Database>,
    drill: Drill,
    workers: Vec<Option<Process>>,
    reliefs: Vec<(Instant, Relief)>,
}

impl Stage {
    /// Engines (every other one with live restore), their proxies as hosts, and workers.
    pub(super) fn set(storm: Storm) -> Self {
        let sites: Vec<Site> = (0..storm.engines)
            .map(|number| Site::start(number % 2 == 1))
            .collect();
        let database = match storm.store {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => Some(Database::start()),
        };
        let mut drill = Drill::on(sites[0].engine.access());
        if let Some(database) = &database {
            drill = drill.with_database(database.url());
        }
        let stage = Self {
            workers: (0..storm.workers).map(|_| None).collect(),
            reliefs: Vec::new(),
            sites,
            database,
            drill,
        };
        fs::create_dir(stage.marks()).expect("a folder of our own");
        for (number, site) in stage.sites.iter().enumerate() {
            let name = host_name(number);
            let address = site.proxy.docker_host();
            stage
                .drill
                .ok(&["hosts", "add", &name, &address, "--slots", SLOTS]);
        }
        let marks = stage.marks().display().to_string();
        stage.drill.ok(&["policy", "allow-bind", &marks]);
        stage
    }

    /// Where the containers leave their marks.
    pub(super) fn marks(&self) -> PathBuf {
        self.drill.folder().join("marks")
    }

    pub(super) fn drill(&self) -> &Drill {
        &self.drill
    }

    /// Stores all jobs, then lets the workers come.
    pub(super) fn submit(&mut self, jobs: &[Planned]) {
        let marks = self.marks().display().to_string();
        let specs: Vec<Value> = jobs.iter().map(|job| job.spec(&marks)).collect();
        let file = self.drill.folder().join("jobs.json");
        fs::write(&file, json!({ "job": specs }).to_string()).expect("a folder of our own");
        self.drill
            .ok(&["submit", "-f", &file.display().to_string()]);
        for number in 0..self.workers.len() {
            self.workers[number] = Some(self.worker(number));
        }
    }

    /// With a database each has a home of its own, as on a machine of its own: nothing but its lease
    /// tells others that it is gone.
    fn worker(&self, number: usize) -> Process {
        let mut command = self.drill.command(&["worker"]);
        if let Some(database) = &self.database {
            let home = self.drill.folder().join(format!("home-{number}"));
            fs::create_dir_all(&home).expect("a folder of our own");
            command
                .env("HOME", home)
                .env("LONGSHORE_STORE", database.url_of_workers());
        }
        Process::start(&mut command)
    }

    pub(super) fn has_open_jobs(&self) -> bool {
        let open = ["pending", "queued", "launching", "running", "retrying"];
        let mut args = vec!["jobs", "-q", "-n", "1"];
        args.extend(open.iter().flat_map(|status| ["--status", status]));
        !self.drill.ok(&args).is_empty()
    }

    /// Waits, and brings relief where it is due.
    pub(super) fn pause(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        eventually("the pause is over", pause + STORMY, || {
            self.relieve_due();
            Instant::now() >= until
        });
    }

    fn relieve_due(&mut self) {
        let now = Instant::now();
        let due: Vec<Relief> = self
            .reliefs
            .extract_if(.., |(at, _)| *at <= now)
            .map(|(_, relief)| relief)
            .collect();
        for relief in due {
            self.relieve(relief);
        }
    }

    pub(super) fn befall(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::KillWorker { worker, away } => {
                if let Some(process) = self.workers[worker].take() {
                    drop(process);
                    self.later(away, Relief::NewWorker(worker));
                }
            }
            Trouble::EndWorker { worker, away } => {
                if let Some(process) = &self.workers[worker] {
                    process.signal("TERM");
                    self.later(away, Relief::NewWorker(worker));
                }
            }
            Trouble::FreezeWorker { worker, lasts } => {
                if let Some(process) = &self.workers[worker] {
                    process.signal("STOP");
                    self.later(lasts, Relief::Thaw(worker));
                }
            }
            Trouble::Requests { engine, rule } => {
                self.sites[engine].proxy.add(rule);
            }
            Trouble::CutOff { engine, lasts } => {
                let rule = Rule::every("/", Fault::LoseRequest);
                let rule = self.sites[engine].proxy.add(rule);
                self.later(lasts, Relief::Reach(engine, rule));
            }
            Trouble::KillEngine { engine, away } => {
                if self.sites[engine].engine.kill9().is_ok() {
                    self.later(away, Relief::EngineBack(engine));
                }
            }
            Trouble::StopEngine { engine, away } => {
                if self.sites[engine].engine.stop().is_ok() {
                    self.later(away, Relief::EngineBack(engine));
                }
            }
            Trouble::Database(trouble) => {
                if let Some(database) = &mut self.database {
                    database.befall(trouble);
                }
                if let DatabaseTrouble::CutOff { lasts } = trouble {
                    self.later(lasts, Relief::DatabaseBack);
                }
            }
        }
    }

    fn later(&mut self, after: Duration, relief: Relief) {
        self.reliefs.push((Instant::now() + after, relief));
    }

    fn relieve(&mut self, relief: Relief) {
        match relief {
            // Whatever is left of the old one is killed, as at the end of a stop's patience.
            Relief::NewWorker(worker) => {
                self.workers[worker] = None;
                self.workers[worker] = Some(self.worker(worker));
            }
            Relief::Thaw(worker) => {
                if let Some(process) = &self.workers[worker] {
                    process.signal("CONT");
                }
            }
            Relief::Reach(engine, rule) => self.sites[engine].proxy.remove(rule),
            Relief::EngineBack(engine) => {
                let back = self.sites[engine].engine.start_again();
                back.expect("an engine starts again on its own data");
            }
            Relief::DatabaseBack => {
                if let Some(database) = &self.database {
                    database.heal();
                }
            }
        }
    }

    /// Asks for the end of a job; `false` if that could not be written down: the job is over, or a
    /// worker was frozen while it had the store to itself.
    pub(super) fn cancel(&self, job: &Planned) -> bool {
        self.drill.call(&["cancel", &job.name]).code == 0
    }

    /// Ends all trouble, and says so of each host, whose breaker may be open for minutes.
    pub(super) fn calm(&mut self) {
        self.sites.iter().for_each(|site| site.proxy.clear());
        for (_, relief) in std::mem::take(&mut self.reliefs) {
            self.relieve(relief);
        }
        for number in 0..self.sites.len() {
            self.drill.ok(&["hosts", "uncordon", &host_name(number)]);
        }
    }

    /// Waits until every job is over and every container removed; says so if it does not come.
    pub(super) fn settle(&self, limit: Duration) -> Vec<String> {
        let until = Instant::now() + limit;
        let is_over = || !self.has_open_jobs() && self.containers().iter().all(Vec::is_empty);
        eventually("it is over or too late", limit + STORMY, || {
            Instant::now() >= until || is_over()
        });
        if is_over() {
            return Vec::new();
        }
        vec![format!("not everything is over {limit:?} after the storm")]
    }

    /// What is left on the engines, which are the pool's alone, and of slots.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, site) in self.sites.iter().enumerate() {
            for what in [["ps", "--all", "--quiet"], ["volume", "ls", "--quiet"]] {
                let left = site.engine.docker(what).expect("the engine answers");
                if !left.is_empty() {
                    wrong.push(format!("host-{number} still has ({what:?}): {left}"));
                }
            }
        }
        let hosts: Value =
            serde_json::from_str(&self.drill.ok(&["--json", "hosts", "list"])).expect("JSON");
        for host in hosts.as_array().into_iter().flatten() {
            if host["busy"] != 0 {
                wrong.push(format!("a slot is still taken: {host}"));
            }
        }
        wrong
    }

    fn containers(&self) -> Vec<Vec<String>> {
        let ids = |site: &Site| {
            let listed = site.engine.docker(["ps", "--all", "--quiet"]);
            let listed = listed.unwrap_or_else(|error| error.to_string());
            listed.lines().map(str::to_owned).collect()
        };
        self.sites.iter().map(ids).collect()
    }
}

fn host_name(number: usize) -> String {
    format!("host-{number}")
}

impl Site {
    fn start(live_restore: bool) -> Self {
        let options = EngineOptions {
            live_restore,
            ..EngineOptions::default()
        };
        let engine = Engine::start(&options).expect("an engine starts");
        load_demo_image(engine.access()).expect("the engine takes the demo image");
        let proxy = FaultProxy::start(engine.access()).expect("a proxy starts");
        Self { engine, proxy }
    }
}
