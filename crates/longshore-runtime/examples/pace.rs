//! How quick containers are, alone and side by side; how much a supervisor carries, and weighs.
//!
//! `pace SUPERVISOR LAYER [chain|private]`: both paths, of the program `longshore-supervisor` and of a folder with a
//! shell. Needs root. CPU time is that of the control group that this is run in, and of the containers':
//! nothing else may be in it. `chain` is one after the other alone, `private` the same with a private network:
//! `unshare -n` keeps its bridge away from the machine's.

#![expect(
    clippy::print_stdout,
    reason = "printing figures is what this program is for"
)]

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use longshore_runtime::{
    Bounds, ContainerConfig, Network, Process, Rootfs, Runtime, RuntimeOptions, Seccomp, Status,
    SupervisorProgram, WhileRunning, resolve_capabilities,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: pace SUPERVISOR LAYER [chain|private]";
    let supervisor = arguments.next().ok_or(usage)?;
    let layer = arguments.next().ok_or(usage)?;
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::open(RuntimeOptions {
        root: folder.path().to_owned(),
        supervisor: SupervisorProgram::Path(supervisor),
        oci_runtime: None,
    })?;
    let only_chain = arguments.next();
    let is_private = only_chain.as_deref() == Some("private".as_ref());
    let play = Play {
        runtime,
        layer,
        network: if is_private {
            Network::Private
        } else {
            Network::None
        },
    };
    play.once("warm", &["true"])?;
    play.chain()?;
    if only_chain.is_some() {
        return Ok(());
    }
    for lanes in [1, 4, 8] {
        play.side_by_side(lanes, 100)?;
    }
    play.log()?;
    play.weigh(50)
}

struct Play {
    runtime: Runtime,
    layer: PathBuf,
    network: Network,
}

impl Play {
    fn config(&self, name: &str, argv: &[&str]) -> ContainerConfig {
        ContainerConfig {
            name: format!("pace-{}-{name}", std::process::id()),
            labels: [].into(),
            rootfs: Rootfs {
                layers: vec![self.layer.clone()],
                like: None,
                read_only: false,
                size_bytes: None,
            },
            process: Process {
                argv: argv.iter().map(|text| (*text).to_owned()).collect(),
                env: Vec::new(),
                workdir: "/".into(),
                user: None,
                init: true,
                capabilities: resolve_capabilities(&[], &[]),
                no_new_privileges: true,
                privileged: false,
                limits: Vec::new(),
            },
            hostname: "pace".to_owned(),
            extra_hosts: Vec::new(),
            dns: vec!["192.0.2.53".parse().expect("an address")],
            mounts: Vec::new(),
            bounds: Bounds {
                memory_bytes: Some(512 << 20),
                memory_swap_bytes: Some(512 << 20),
                cpu_nanos: Some(2_000_000_000),
                pids: Some(1000),
                shm_bytes: None,
            },
            network: self.network,
            seccomp: Seccomp::Default,
            stop_signal: 15,
            stop_grace_millis: 10_000,
            run_limit_millis: None,
            log_limit_bytes: 4 << 30,
        }
    }

    /// Create, start, exit, clean, remove: how long each takes, as medians.
    fn chain(&self) -> Outcome<()> {
        const ROUNDS: usize = 100;
        let mut laps: [Vec<Duration>; 4] = Default::default();
        let mut inside = Duration::ZERO;
        let before = Cpu::now()?;
        for round in 0..ROUNDS {
            let lap = self.once(&format!("chain-{round}"), &["true"])?;
            inside += lap.inside;
            for (lap, mark) in laps.iter_mut().zip(lap.marks) {
                lap.push(mark);
            }
        }
        let each = |cpu: Duration| cpu / u32::try_from(ROUNDS).expect("a hundred");
        let spent = Cpu::now()?.since(before);
        let (own, outside, inside) = (each(spent.own), each(spent.others), each(inside));
        let [create, start, end, remove] = laps.map(median);
        let whole = create + start + end + remove;
        println!(
            "true, alone: {whole:.1?} = create {create:.1?} + start {start:.1?} \
             + until exit.json is there {end:.1?} + until it is cleaned and removed {remove:.1?}; \
             CPU {:.1?} = in the container {inside:.1?} + supervisor {outside:.1?}; this {own:.1?}",
            inside + outside
        );
        Ok(())
    }

    fn once(&self, name: &str, argv: &[&str]) -> Outcome<Lap> {
        let config = self.config(name, argv);
        let begun = Instant::now();
        self.runtime.create(&config)?;
        let created = Instant::now();
        self.runtime.start(&config.name)?;
        let started = Instant::now();
        let inside = self.wait(&config.name)?;
        let ended = Instant::now();
        self.runtime.remove(&config.name, WhileRunning::Spare)?;
        let marks = [
            created - begun,
            started - created,
            ended - started,
            ended.elapsed(),
        ];
        Ok(Lap { marks, inside })
    }

    /// Waits for its end; the CPU time that was counted in it.
    fn wait(&self, name: &str) -> Outcome<Duration> {
        loop {
            if let Some(Status::Ended(ended)) = self.runtime.status(name)? {
                let nanos = ended.totals.cpu_nanos.unwrap_or_default();
                return Ok(Duration::from_nanos(nanos));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn side_by_side(&self, lanes: usize, each: usize) -> Outcome<()> {
        let begun = Instant::now();
        let next = AtomicUsize::new(0);
        let numbers = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < each);
        let run = || -> Outcome<()> {
            while let Some(number) = numbers() {
                self.once(&format!("beside-{lanes}-{number}"), &["true"])?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..lanes).map(|_| scope.spawn(run)).collect();
            running
                .into_iter()
                .try_for_each(|one| one.join().expect("no lane panics"))
        })?;
        let each = begun.elapsed() / u32::try_from(each)?;
        println!("true, {lanes} at a time: {each:.1?} each");
        Ok(())
    }

    /// Lines of sixty bytes, as many as the supervisor takes.
    fn log(&self) -> Outcome<()> {
        const LINES: u32 = 10_000_000;
        let script = format!("yes {} | head -n {LINES}", "x".repeat(59));
        let config = self.config("log", &["sh", "-c", &script]);
        self.runtime.create(&config)?;
        let before = Cpu::now()?;
        let begun = Instant::now();
        self.runtime.start(&config.name)?;
        self.wait(&config.name)?;
        let took = begun.elapsed();
        let cpu = Cpu::now()?.since(before).others;
        let mut log = self.runtime.log(&config.name)?.ok_or("no log")?;
        let begun = Instant::now();
        let mut bytes = 0;
        while let Some(frame) = log.next_frame()? {
            bytes += frame.bytes.len();
        }
        let read = begun.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = |took: Duration| bytes as f64 / 1e6 / took.as_secs_f64();
        println!(
            "log of {bytes} bytes: written at {:.0} MB/s, read at {:.0} MB/s",
            rate(took),
            rate(read)
        );
        self.runtime.remove(&config.name, WhileRunning::Spare)?;
        println!(
            "the supervisor took {cpu:.1?} of CPU for it: {:.0} MB/s",
            rate(cpu)
        );
        Ok(())
    }

    /// The memory of supervisors, each with its share of what they have in common.
    fn weigh(&self, count: usize) -> Outcome<()> {
        let names: Vec<String> = (0..count)
            .map(|number| {
                let config = self.config(&format!("weight-{number}"), &["sleep", "1000"]);
                self.runtime.create(&config)?;
                self.runtime.start(&config.name)?;
                Ok(config.name)
            })
            .collect::<Outcome<_>>()?;
        let mut weights = Vec::new();
        for name in &names {
            let place = self.runtime.folder().join(name);
            let supervisor = std::fs::read_dir("/proc")?.flatten().find(|entry| {
                let cwd = std::fs::read_link(entry.path().join("cwd"));
                cwd.is_ok_and(|cwd| cwd == place)
            });
            let path = supervisor.ok_or("no supervisor")?.path();
            let text = std::fs::read_to_string(path.join("smaps_rollup"))?;
            let pss = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kib = pss.ok_or("no Pss")?.trim().trim_end_matches(" kB");
            weights.push(kib.parse::<u64>()?);
        }
        let kib = median(weights);
        println!("a supervisor, of {count}: {kib} KiB (proportional share)");
        for name in &names {
            self.runtime.remove(name, WhileRunning::Kill)?;
        }
        Ok(())
    }
}

/// One container's times, and the CPU time that was counted in it.
struct Lap {
    marks: [Duration; 4],
    inside: Duration,
}

/// CPU time of this process, and of others in its control group.
#[derive(Clone, Copy)]
struct Cpu {
    own: Duration,
    others: Duration,
}

impl Cpu {
    fn now() -> Outcome<Self> {
        let own = cpu_of_this()?;
        let others = cpu_of_group()?.saturating_sub(own);
        Ok(Self { own, others })
    }

    fn since(self, before: Self) -> Self {
        Self {
            own: self.own.saturating_sub(before.own),
            others: self.others.saturating_sub(before.others),
        }
    }
}

/// CPU time of this control group.
fn cpu_of_group() -> Outcome<Duration> {
    let groups = std::fs::read_to_string("/proc/self/cgroup")?;
    let group = |controllers: &str| {
        let lines = groups.lines().filter_map(|line| line.split_once(':'));
        let mut named = lines.filter_map(|(_, line)| line.split_once(':'));
        named.find_map(|(names, path)| (names == controllers).then(|| path.to_owned()))
    };
    if let Some(path) = group("cpuacct").or_else(|| group("cpu,cpuacct")) {
        let file = format!("/sys/fs/cgroup/cpuacct{path}/cpuacct.usage");
        return Ok(Duration::from_nanos(
            std::fs::read_to_string(file)?.trim().parse()?,
        ));
    }
    let path = group("").ok_or("in no control group")?;
    let text = std::fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.stat"))?;
    let usage = text
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "));
    Ok(Duration::from_micros(usage.ok_or("no CPU time")?.parse()?))
}

/// CPU time of this process.
fn cpu_of_this() -> Outcome<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanos = text.split_whitespace().next().ok_or("no CPU time")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}
