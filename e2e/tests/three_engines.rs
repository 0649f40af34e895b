//! Three engines, each in a network of its own, and two workers. The cable to one of them is pulled
//! and plugged in again: nothing is decided meanwhile, others do the work, and the books are true.

use std::fs;
use std::path::PathBuf;
use std::thread;

use longshore_e2e::drill::{Drill, PATIENCE, Process};
use longshore_testkit::{DEMO_IMAGE, Door, Engine, EngineOptions, eventually, load_demo_image};
use serde_json::{Value, json};

const HOSTS: [&str; 3] = ["north", "east", "west"];
/// Attempts at one time on each engine.
const SLOTS: &str = "3";
const CUT: usize = 1;

/// The pool, and the folder in which its containers leave marks.
struct Pool {
    drill: Drill,
    marks: PathBuf,
    _workers: [Process; 2],
    /// Fields are dropped in order: the engines last.
    engines: Vec<Engine>,
}

impl Pool {
    fn start() -> Self {
        let starting = HOSTS.map(|_| thread::spawn(start_engine));
        let engines: Vec<Engine> = starting
            .into_iter()
            .map(|engine| engine.join().expect("an engine starts"))
            .collect();
        let drill = Drill::on(engines[0].access());
        for (name, engine) in HOSTS.iter().zip(&engines) {
            let (_, address) = engine.cable();
            drill.ok(&["hosts", "add", name, &address, "--slots", SLOTS]);
        }
        let marks = drill.folder().join("marks");
        fs::create_dir(&marks).expect("a folder of our own");
        drill.ok(&["policy", "allow-bind", &marks.display().to_string()]);
        Self {
            _workers: [(); 2].map(|()| drill.worker()),
            drill,
            marks,
            engines,
        }
    }

    /// Stores jobs in one call.
    fn submit(&self, jobs: &[Value]) {
        let file = self.drill.folder().join("jobs.json");
        fs::write(&file, json!({ "job": jobs }).to_string()).expect("a folder of our own");
        self.drill
            .ok(&["submit", "-f", &file.display().to_string()]);
    }

    /// A job that notes that it began, and prints its name and some lines around `work`.
    fn job(&self, name: &str, work: &str) -> Value {
        let marks = format!("{}:/marks", self.marks.display());
        let script = format!(
            "echo $HOSTNAME >> /marks/{name}.starts; echo {name} begun; {work}; \
             i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; done; exit 3"
        );
        let command = ["sh", "-c", &script];
        json!({ "name": name, "image": DEMO_IMAGE, "command": command, "volumes": [marks] })
    }

    /// Stores so many jobs that take a moment; returns their names.
    fn submit_short(&self, prefix: &str, count: usize) -> Vec<String> {
        let names: Vec<String> = (0..count)
            .map(|number| format!("{prefix}-{number}"))
            .collect();
        let jobs: Vec<Value> = names
            .iter()
            .map(|name| self.job(name, "usleep 100000"))
            .collect();
        self.submit(&jobs);
        names
    }

    /// Whether the last probe of the host failed.
    fn is_away(&self, name: &str) -> bool {
        let hosts = self.drill.ok(&["--json", "hosts", "list"]);
        let hosts: Value = serde_json::from_str(&hosts).expect("JSON");
        let mut hosts = hosts.as_array().into_iter().flatten();
        let host = hosts.find(|host| host["name"] == name).expect("a host");
        !host["failing_since"].is_null()
    }

    fn let_go(&self, host: &str) {
        fs::write(self.marks.join(format!("go-{host}")), "").expect("a folder of our own");
    }

    /// It ended once and with its own code, ran once for each attempt, and its output is whole.
    #[track_caller]
    fn check(&self, name: &str) -> Value {
        let job = self.drill.until_gone(name);
        assert_eq!(job["exit_code"], 3, "{job:#}");
        let lines: Vec<String> = (1..=50).map(|line| format!("line {line}\n")).collect();
        let printed = format!("{name} begun\n{}", lines.concat());
        assert_eq!(self.drill.log(name), printed);
        let starts = fs::read_to_string(self.marks.join(format!("{name}.starts")));
        assert_eq!(
            starts.map_or(0, |starts| starts.lines().count()),
            1,
            "{job:#}"
        );
        let events = self.drill.events(name);
        let ends = events.iter().filter(|kind| *kind == "finished").count();
        assert_eq!(ends, 1, "{events:?}");
        job
    }
}

fn start_engine() -> Engine {
    let options = EngineOptions {
        door: Door::Cable,
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).expect("an engine starts");
    load_demo_image(engine.access()).expect("the engine takes the demo image");
    engine
}

#[test]
fn of_three_engines_one_is_cut_off_and_healed_and_every_job_has_its_own_verdict_and_output() {
    let pool = Pool::start();
    let long: Vec<Value> = HOSTS
        .iter()
        .map(|host| {
            let work = format!("until [ -e /marks/go-{host} ]; do usleep 50000; done");
            let mut job = pool.job(&format!("long-{host}"), &work);
            job["host"] = (*host).into();
            job
        })
        .collect();
    pool.submit(&long);
    let cut_off = format!("long-{}", HOSTS[CUT]);
    let containers = HOSTS.map(|host| pool.drill.until_running(&format!("long-{host}")));
    pool.drill.until_logged(&cut_off, "begun\n");

    let (cable, _) = pool.engines[CUT].cable();
    cable.pull().expect("the engine is there");
    pool.let_go(HOSTS[CUT]);
    // Nobody knows yet: some of these may be on their way to the host that is cut off.
    let early = pool.submit_short("early", 6);
    let job = pool.drill.until("the host is unknown", &cut_off, |job| {
        !job["attempts"][0]["unknown_since"].is_null()
    });
    assert_eq!(job["status"], "running", "{job:#}");
    eventually("a probe fails", PATIENCE, || pool.is_away(HOSTS[CUT]));
    for name in pool.submit_short("late", 12) {
        let job = pool.check(&name);
        assert_ne!(job["host"], HOSTS[CUT], "{job:#}");
    }
    let field = ["inspect", "--format", "{{.State.Status}}", &containers[CUT]];
    let ended = pool.engines[CUT]
        .docker(field)
        .expect("its socket is another way");
    assert_eq!(ended, "exited");
    assert_eq!(pool.drill.job(&cut_off)["status"], "running");

    cable.plug_in().expect("the engine is there");
    pool.let_go(HOSTS[0]);
    pool.let_go(HOSTS[2]);
    for (host, container) in HOSTS.iter().zip(&containers) {
        let job = pool.check(&format!("long-{host}"));
        assert_eq!(job["attempts"][0]["container"], container.as_str());
    }
    for name in early {
        pool.check(&name);
    }
    for engine in &pool.engines {
        assert_eq!(
            engine
                .docker(["ps", "--all", "--quiet"])
                .expect("it answers"),
            ""
        );
    }
}
