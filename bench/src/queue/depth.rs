//! What a long queue costs: the claim of one job, and the first page of the list.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use longshore_core::share::Share;
use longshore_core::{AttemptId, WorkerId, limits};
use longshore_store::{Claim, JobFilter};
use longshore_testkit::Postgres;
use uuid::Uuid;

use super::ground::{Database, Ground, jobs};
use crate::figures::{against, median};

const SHORT: usize = 100;
const LONG: usize = 100_000;
/// Looks at each queue; the median counts.
const LOOKS: usize = 50;
const SLOTS: u32 = 1_000;

pub(super) async fn measure(server: &Postgres) -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        let (short, long) = (
            filled(database, server, SHORT).await?,
            filled(database, server, LONG).await?,
        );
        let (mut at_short, mut at_long, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..LOOKS {
            at_short.push(millis(claim(&short).await?));
            at_long.push(millis(claim(&long).await?));
            pages.push(millis(first_page(&long).await?));
        }
        let ratio = median(&at_long) / median(&at_short);
        let (page, word) = (median(&pages), database.word());
        println!(
            "{word}, claim with {LONG} queued, {:.2} ms, ÷ with {SHORT}, {:.2} ms: {}",
            median(&at_long),
            median(&at_short),
            against(ratio, 1.5, ratio <= 1.5)
        );
        println!(
            "{word}, first page of {LONG} jobs, ms: {}",
            against(page, 50.0, page <= 50.0)
        );
    }
    Ok(())
}

async fn filled(database: Database, server: &Postgres, count: usize) -> Result<Ground> {
    let ground = Ground::new(database, server, SLOTS).await?;
    let all = jobs(count)?;
    for part in all.chunks(limits::SUBMIT_BATCH) {
        ground.store.submit(part, Timestamp::now()).await?;
    }
    Ok(ground)
}

/// As the dispatcher does it: the head of the queue is read, and its first job is claimed.
async fn claim(ground: &Ground) -> Result<Duration> {
    let begun = Instant::now();
    let turns = ground.store.turns(limits::CLAIM_BATCH).await?;
    let head = turns.in_order(limits::CLAIM_BATCH);
    let job = head.first().context("a queued job")?;
    let share = Share::of_job(&job.spec);
    let most = Share {
        cpu_nanos: u64::from(SLOTS) * share.cpu_nanos,
        memory_bytes: u64::from(SLOTS) * share.memory_bytes,
    };
    let claim = Claim {
        job: job.id,
        attempt: AttemptId::new(Uuid::now_v7()),
        after: job.attempt,
        host: ground.host,
        share,
        most,
        why: "measured".to_owned(),
    };
    let now = Timestamp::now();
    let worker = WorkerId::new(Uuid::now_v7());
    let claimed = ground
        .store
        .claim(&[claim], worker, now + limits::LEASE, now)
        .await?;
    ensure!(claimed.len() == 1, "the first job was not claimed");
    Ok(begun.elapsed())
}

async fn first_page(ground: &Ground) -> Result<Duration> {
    let begun = Instant::now();
    let page = ground.store.jobs(&JobFilter::default()).await?;
    ensure!(!page.is_empty(), "the first page is empty");
    Ok(begun.elapsed())
}

fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}
