//! What every program here shares: the counts that it is given, the clock, and the line that it prints.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Jobs at one time, as the other queues are given them.
pub const CONCURRENCY: usize = 64;
/// How often a drain looks whether it is done; small beside what it measures.
const LOOK_PERIOD: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(300);

/// What the program is to do: its three arguments.
pub struct Round {
    /// URL of an empty database.
    pub url: String,
    /// Jobs that are enqueued one by one.
    pub one_by_one: usize,
    /// Jobs that are enqueued in one call.
    pub bulk: usize,
}

/// What it found.
#[derive(Serialize)]
pub struct Figures {
    pub one_by_one: f64,
    pub bulk: f64,
    pub drain: f64,
    /// Rows of jobs that can be read after all are done.
    pub rows_left: u64,
}

impl Round {
    /// From the command line.
    pub fn of_this_process() -> Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut next = || {
            arguments
                .next()
                .context("URL, jobs one by one, jobs in one call")
        };
        Ok(Self {
            url: next()?,
            one_by_one: next()?.parse()?,
            bulk: next()?.parse()?,
        })
    }

    /// All jobs.
    pub fn all(&self) -> usize {
        self.one_by_one + self.bulk
    }

    /// The file of an SQLite database.
    pub fn path(&self) -> Result<&str> {
        self.url
            .strip_prefix("sqlite://")
            .context("the URL of an SQLite file")
    }
}

impl Figures {
    /// As one line of JSON.
    pub fn print(&self) -> Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Jobs a second since then.
pub fn rate(jobs: usize, begun: Instant) -> f64 {
    jobs as f64 / begun.elapsed().as_secs_f64()
}

/// Asks again and again how many jobs are done, until all are.
pub async fn until_all_are_done<F, Counting>(all: usize, mut done: F) -> Result<()>
where
    F: FnMut() -> Counting,
    Counting: Future<Output = Result<u64>>,
{
    let begun = Instant::now();
    loop {
        let done = done().await?;
        if done >= all as u64 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("{done} of {all} jobs were done in {PATIENCE:?}");
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}
