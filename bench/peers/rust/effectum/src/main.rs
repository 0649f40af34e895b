//! One round of effectum on SQLite: URL of an empty database, jobs one by one, jobs in one call.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use effectum::{Job, JobRunner, JobState, Queue, RunningJob, Worker};
use round::{CONCURRENCY, Figures, Round, rate, until_all_are_done};
use rusqlite::Connection;

const KIND: &str = "nothing";

async fn nothing(_: RunningJob, (): ()) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let round = Round::of_this_process()?;
    let path = Path::new(round.path()?);
    let queue = Queue::new(path).await?;
    let begun = Instant::now();
    for _ in 0..round.one_by_one {
        Job::builder(KIND).add_to(&queue).await?;
    }
    let one_by_one = rate(round.one_by_one, begun);
    let jobs = (0..round.bulk)
        .map(|_| Job::builder(KIND).build())
        .collect();
    let begun = Instant::now();
    queue.add_jobs(jobs).await?;
    let bulk = rate(round.bulk, begun);
    let concurrency = CONCURRENCY.try_into()?;
    let begun = Instant::now();
    let worker = Worker::builder(&queue, ())
        .jobs([JobRunner::builder(KIND, nothing).build()])
        // It fetches when half of its places are free, not for each place.
        .min_concurrency(concurrency / 2)
        .max_concurrency(concurrency)
        .build()
        .await?;
    until_all_are_done(round.all(), || async {
        let active = queue.num_active_jobs().await?;
        Ok(round.all() as u64 - active.pending - active.running)
    })
    .await?;
    let drain = rate(round.all(), begun);
    worker.unregister(None).await?;
    let done = "SELECT COUNT(*) FROM jobs WHERE status = ?1";
    let rows_left =
        Connection::open(path)?.query_row(done, [JobState::Succeeded.as_str()], |row| {
            row.get::<_, i64>(0)
        })?;
    let figures = Figures {
        one_by_one,
        bulk,
        drain,
        rows_left: rows_left.try_into()?,
    };
    figures.print()
}
