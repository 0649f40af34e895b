//! Jobs per second on one engine: 60 times `/bin/true`, eight at a time.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use comfy_table::Table;
use longshore_core::outcome::JobStatus;

use crate::bare::{self, Shape};
use crate::figures::{against, median, spread};
use crate::legacy::Legacy;
use crate::ours::{Bench, RunningWorker};

const JOBS: u32 = 60;
const AT_ONCE: usize = 8;

/// Jobs per second of each way, a figure a round.
#[derive(Default)]
struct Rates {
    ours: Vec<f64>,
    bare: Vec<f64>,
    plain: Vec<f64>,
    cli: Vec<f64>,
    legacy: Vec<f64>,
}

pub(crate) async fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let docker = bare::connect(&bench.docker_host)?;
    let legacy = Legacy::prepare(&bench.docker_host)?;
    bare::run(&docker, Shape::LikeOurs, 8, AT_ONCE).await?;
    let mut rates = Rates::default();
    for _ in 0..rounds {
        rates.ours.push(ours(bench).await?);
        let began = Instant::now();
        bare::run(&docker, Shape::LikeOurs, JOBS as usize, AT_ONCE).await?;
        rates.bare.push(rate(began));
        let began = Instant::now();
        bare::run(&docker, Shape::Plain, JOBS as usize, AT_ONCE).await?;
        rates.plain.push(rate(began));
        let began = Instant::now();
        docker_run(bench)?;
        rates.cli.push(rate(began));
        rates.legacy.push(legacy.jobs_per_second(JOBS)?);
    }
    print(&rates);
    Ok(())
}

fn rate(began: Instant) -> f64 {
    f64::from(JOBS) / began.elapsed().as_secs_f64()
}

async fn ours(bench: &Bench) -> Result<f64> {
    let worker = bench.worker(AT_ONCE).await?;
    ours_on(bench, &worker, JOBS, "").await
}

/// Jobs of `/bin/true` per second, from submit to final status, container removed, log kept; the
/// worker runs already. `wishes` are further lines of each job.
pub(crate) async fn ours_on(
    bench: &Bench,
    worker: &RunningWorker,
    jobs: u32,
    wishes: &str,
) -> Result<f64> {
    let before = completed(worker).await?;
    let file = worker.path().join("jobs.toml");
    let job =
        format!("[[job]]\nimage = \"demo-image:latest\"\ncommand = [\"/bin/true\"]\n{wishes}\n");
    std::fs::write(&file, job.repeat(jobs as usize))?;
    let began = Instant::now();
    let path = file.display().to_string();
    bench.call(worker.path(), &["submit", "-f", &path])?;
    worker.all_done(before + u64::from(jobs)).await?;
    let took = began.elapsed().as_secs_f64();
    let completed = completed(worker).await? - before;
    ensure!(
        completed == u64::from(jobs),
        "only {completed} of {jobs} jobs completed"
    );
    Ok(f64::from(jobs) / took)
}

async fn completed(worker: &RunningWorker) -> Result<u64> {
    let counts = worker.store.counts().await?;
    let completed = counts
        .iter()
        .filter(|(status, _)| *status == JobStatus::Completed);
    Ok(completed.map(|(_, count)| *count).sum())
}

/// `docker run --rm`, eight at a time.
fn docker_run(bench: &Bench) -> Result<()> {
    let mut xargs = Command::new("xargs")
        .args(["-P", &AT_ONCE.to_string(), "-I{}"])
        .args(["docker", "run", "--rm", "demo-image:latest", "/bin/true"])
        .env("DOCKER_HOST", &bench.docker_host)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = xargs.stdin.take() {
        for number in 0..JOBS {
            writeln!(input, "{number}")?;
        }
    }
    ensure!(xargs.wait()?.success(), "a `docker run` failed");
    Ok(())
}

fn print(rates: &Rates) {
    let ours = median(&rates.ours);
    let mut table = Table::new();
    table.set_header(["docker path: way", "jobs/s", "longshore ÷ it"]);
    let rows = [
        (
            "longshore (submit to final, removed, log kept)",
            &rates.ours,
        ),
        ("bare Engine API, same container", &rates.bare),
        ("bare Engine API, no limits, no init", &rates.plain),
        ("docker run --rm, xargs -P8", &rates.cli),
        (
            "django-container-manager 1.0.14, legacy mode",
            &rates.legacy,
        ),
    ];
    for (name, values) in rows {
        let ratio = ours / median(values);
        table.add_row([name.to_owned(), spread(values), format!("{ratio:.2}")]);
    }
    println!("{table}");
    let bare = ours / median(&rates.bare);
    println!("longshore ÷ bare: {}", against(bare, 0.95, bare >= 0.95));
    let legacy = ours / median(&rates.legacy);
    println!(
        "longshore ÷ legacy: {}\n",
        against(legacy, 3.0, legacy >= 3.0)
    );
}
