//! Whoever is killed in the midst of it: nothing runs on, nothing is left, nothing is invented.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_runtime::{ContainerConfig, Mount, MountSource, Status, WhileRunning};

use crate::ground::{Ground, eventually, groups, processes_in};

#[test]
fn a_container_whose_supervisor_is_killed_dies_and_is_lost() {
    let ground = Ground::new();
    for (name, init) in [("init", true), ("bare", false)] {
        let mut config = ground.script(name, "echo up; sleep 1000");
        config.process.init = init;
        ground.start(&config);
        ground.has_said(&config.name, "up");
        ground.kill_supervisor(&config);
        let status = || ground.another().status(&config.name).unwrap();
        let is_lost = || {
            matches!(
                status(),
                Some(Status::Lost {
                    started_at: Some(_)
                })
            )
        };
        eventually("it is lost", is_lost);
        assert_eq!(groups(&config.name), Vec::<PathBuf>::new());
        ground.runtime.start(&config.name).unwrap();
        assert!(is_lost());
        assert_eq!(ground.stdout(&config.name), "up\n");
    }
}

#[test]
fn a_container_outlives_whoever_started_it() {
    let ground = Ground::new();
    let (config, gate) = ground.gated("orphan", "exit 9");
    ground.runtime.create(&config).unwrap();
    let mut starter = ground.starter(&config.name);
    ground.has_said(&config.name, "up");
    starter.kill().unwrap();
    starter.wait().unwrap();
    std::fs::write(&gate, "").unwrap();
    assert_eq!(ground.ended(&config.name).code, 9);
    assert_eq!(ground.stdout(&config.name), "up\nran\n");
}

#[test]
fn what_supervisors_are_forks_of_may_be_killed_and_is_begun_anew() {
    let ground = Ground::new();
    let (before, gate) = ground.gated("before", "exit 3");
    ground.start(&before);
    let template = children();
    let [one] = template.as_slice() else {
        panic!("{template:?} is not one process");
    };
    assert!(
        Command::new("kill")
            .args(["-9", one])
            .status()
            .unwrap()
            .success()
    );
    // Nobody else waits for it: it is there until it is missed.
    let state = || std::fs::read_to_string(format!("/proc/{one}/stat")).unwrap_or_default();
    eventually("it is dead", || !state().contains(") S "));
    assert_eq!(ground.run(&ground.config("behind", &["true"])).code, 0);
    assert!(!children().contains(one));
    std::fs::write(&gate, "").unwrap();
    assert_eq!(ground.ended(&before.name).code, 3);
}

/// Of this process.
fn children() -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let texts = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")));
    let numbers = texts.map(Result::unwrap_or_default);
    numbers
        .flat_map(|text| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_start_that_is_cut_off_anywhere_runs_the_container_once() {
    let ground = Ground::new();
    let mut chance = Chance(7);
    for number in 0..20 {
        let config = ground.script(&format!("cut-{number}"), "echo ran");
        ground.runtime.create(&config).unwrap();
        let mut starter = ground.starter(&config.name);
        // The moment is what is random: nothing is waited for.
        std::thread::park_timeout(chance.below(Duration::from_millis(60)));
        starter.kill().unwrap();
        starter.wait().unwrap();
        ground.runtime.start(&config.name).unwrap();
        assert_eq!(ground.ended(&config.name).code, 0);
        assert_eq!(ground.stdout(&config.name), "ran\n");
    }
}

#[test]
fn a_supervisor_that_is_killed_at_any_moment_leaves_nothing_and_no_second_run() {
    const SHOTS: u64 = 120;
    const LANES: u64 = 4;
    let ground = Ground::new();
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (ground, tally) = (&ground, &tally);
            scope.spawn(move || {
                let mut chance = Chance(lane + 1);
                for shot in 0..SHOTS / LANES {
                    ground.shoot(&format!("shot-{lane}-{shot}"), &mut chance, tally);
                }
            });
        }
    });
    let [created, lost, ended] =
        [&tally.created, &tally.lost, &tally.ended].map(|count| count.load(Ordering::Relaxed));
    println!("before it ran: {created}, while it ran: {lost}, behind its end: {ended}");
    assert_eq!(created + lost + ended, SHOTS);
    assert!(lost > 0, "no shot hit a container that ran");
}

#[test]
fn two_hundred_containers_side_by_side_leave_nothing() {
    const COUNT: usize = 200;
    const LANES: usize = 8;
    let ground = Ground::new();
    let name = |number: usize| ground.name(&format!("crowd-{number}"));
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let ground = &ground;
            scope.spawn(move || {
                for number in (lane..COUNT).step_by(LANES) {
                    ground.start(&ground.script(&format!("crowd-{number}"), "exec sleep 1000"));
                }
            });
        }
    });
    for number in 0..COUNT {
        let status = ground.runtime.status(&name(number)).unwrap();
        assert!(matches!(status, Some(Status::Running { .. })), "{status:?}");
    }
    for number in 0..COUNT {
        ground
            .runtime
            .stop(&name(number), 15, Duration::ZERO)
            .unwrap();
    }
    for number in 0..COUNT {
        ground.ended(&name(number));
        ground
            .runtime
            .remove(&name(number), WhileRunning::Spare)
            .unwrap();
    }
    assert_eq!(ground.runtime.names().unwrap(), Vec::<String>::new());
}

/// Not a test by itself: another one executes it as a process that it can kill.
#[test]
fn starts_what_it_is_told_to() {
    let Ok(name) = std::env::var(NAME) else {
        return;
    };
    let folder = std::env::var(FOLDER).expect("both are set together");
    let runtime = Ground::runtime_at(folder.as_ref(), None);
    runtime.start(&name).unwrap();
    std::thread::park();
}

const NAME: &str = "LONGSHORE_TEST_NAME";
const FOLDER: &str = "LONGSHORE_TEST_FOLDER";

impl Ground {
    /// A container that says `up` and waits for a file, then says `ran` and does `last`.
    fn gated(&self, name: &str, last: &str) -> (ContainerConfig, PathBuf) {
        let shared = self.root().join(format!("shared-{name}"));
        std::fs::create_dir(&shared).unwrap();
        let wait = "while [ ! -e /shared/gate ]; do sleep 0.01; done";
        let mut config = self.script(name, &format!("echo up; {wait}; echo ran; {last}"));
        config.mounts.push(Mount {
            target: "/shared".into(),
            source: MountSource::Bind(shared.clone()),
            read_only: true,
        });
        (config, shared.join("gate"))
    }

    /// A process of its own that starts a container, and stays.
    fn starter(&self, name: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "death::starts_what_it_is_told_to"])
            .env(NAME, name)
            .env(FOLDER, self.root())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Kills the supervisor of a container that runs.
    pub(crate) fn kill_supervisor(&self, config: &ContainerConfig) {
        assert!(self.kill_something_of(config));
    }

    /// Kills the supervisor, or what it has just begun. Says whether there was anything.
    fn kill_something_of(&self, config: &ContainerConfig) -> bool {
        let place = self.runtime.folder().join(&config.name);
        let Some(process) = processes_in(&place).into_iter().next() else {
            return false;
        };
        let mut kill = Command::new("kill");
        kill.args(["-9", &process]).stderr(Stdio::null());
        kill.status().unwrap().success()
    }

    /// Starts a container and kills its supervisor some time later; then looks at what is left.
    fn shoot(&self, name: &str, chance: &mut Chance, tally: &Tally) {
        let mut config = self.script(name, "echo ran; sleep 0.05");
        config.process.init = chance.next().is_multiple_of(2);
        self.runtime.create(&config).unwrap();
        let delay = chance.below(Duration::from_millis(80));
        std::thread::scope(|scope| {
            // The start may fail: its supervisor may be shot.
            scope.spawn(|| drop(self.runtime.start(&config.name)));
            // The moment is what is random: nothing is waited for.
            std::thread::park_timeout(delay);
            self.kill_something_of(&config);
        });
        let place = self.runtime.folder().join(&config.name);
        eventually("nobody is at it", || {
            let is_quiet = processes_in(&place).is_empty();
            let status = self.runtime.status(&config.name).unwrap();
            is_quiet && !matches!(status, Some(Status::Starting | Status::Running { .. }))
        });
        let kind = match self.runtime.status(&config.name).unwrap() {
            Some(Status::Created { .. }) => {
                assert_eq!(self.stdout(&config.name), "", "{name} ran");
                self.runtime.start(&config.name).unwrap();
                assert_eq!(self.ended(&config.name).code, 0);
                assert_eq!(self.stdout(&config.name), "ran\n");
                &tally.created
            }
            Some(Status::Lost { .. }) => {
                assert_eq!(groups(&config.name), Vec::<PathBuf>::new());
                self.runtime.start(&config.name).unwrap();
                assert!(["", "ran\n"].contains(&self.stdout(&config.name).as_str()));
                &tally.lost
            }
            Some(Status::Ended(ended)) => {
                // Also what the supervisor had just begun may have been hit.
                assert!([0, 137].contains(&ended.code), "{ended:?}");
                &tally.ended
            }
            other => panic!("{other:?}"),
        };
        kind.fetch_add(1, Ordering::Relaxed);
        self.runtime
            .remove(&config.name, WhileRunning::Spare)
            .unwrap();
        assert_eq!(groups(&config.name), Vec::<PathBuf>::new());
    }
}

/// What containers were found as behind the shots.
#[derive(Default)]
struct Tally {
    created: AtomicU64,
    lost: AtomicU64,
    ended: AtomicU64,
}

/// Numbers that are the same at every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    fn below(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap();
        Duration::from_micros(self.next() % micros)
    }
}
