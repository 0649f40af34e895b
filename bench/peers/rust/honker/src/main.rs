//! One round of honker on SQLite: URL of an empty database, jobs one by one, jobs in one call.
//!
//! Its Rust interface has no bulk enqueue; many in one transaction is what its documents show.
//! A job that is acknowledged is deleted.

use std::time::Instant;

use anyhow::{Result, ensure};
use honker::{Database, EnqueueOpts, Queue, QueueOpts};
use round::{Figures, Round, rate};

const WORKER: &str = "worker";
/// Jobs that are claimed and acknowledged in one call.
const BATCH: i64 = 100;

fn main() -> Result<()> {
    let round = Round::of_this_process()?;
    let database = Database::open(round.path()?)?;
    let queue = database.queue("nothing", QueueOpts::default());
    let begun = Instant::now();
    for _ in 0..round.one_by_one {
        queue.enqueue(&(), EnqueueOpts::default())?;
    }
    let one_by_one = rate(round.one_by_one, begun);
    let begun = Instant::now();
    let transaction = database.transaction()?;
    for _ in 0..round.bulk {
        queue.enqueue_tx(&transaction, &(), EnqueueOpts::default())?;
    }
    transaction.commit()?;
    let bulk = rate(round.bulk, begun);
    let begun = Instant::now();
    let done = drain(&queue)?;
    let drain = rate(round.all(), begun);
    ensure!(
        done == round.all(),
        "{done} of {} jobs were done",
        round.all()
    );
    let rows_left = database.with_conn(|connection| {
        let rows =
            "SELECT (SELECT COUNT(*) FROM _honker_live) + (SELECT COUNT(*) FROM _honker_dead)";
        connection.query_row(rows, [], |row| row.get::<_, i64>(0))
    })?;
    let figures = Figures {
        one_by_one,
        bulk,
        drain,
        rows_left: rows_left.try_into()?,
    };
    figures.print()
}

/// Claims, does nothing, acknowledges; says how many.
fn drain(queue: &Queue) -> Result<usize> {
    let mut done = 0;
    loop {
        let claimed = queue.claim_batch(WORKER, BATCH)?;
        if claimed.is_empty() {
            return Ok(done);
        }
        let ids: Vec<i64> = claimed.iter().map(|job| job.id).collect();
        done += usize::try_from(queue.ack_batch(&ids, WORKER)?)?;
    }
}
