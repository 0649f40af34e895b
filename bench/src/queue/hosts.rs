//! Three hosts beside one: the same worker, the same jobs for each host, with delays that a real engine
//! would have, so that the machine's cores are not the limit.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use longshore_core::host::{Host, HostKind};
use longshore_executor::mock::{Behaviour, Knobs, Selector};
use longshore_testkit::Postgres;

use super::ground::{Database, Ground, Mocks, host, jobs};
use super::ours::carry_out;
use crate::figures::{against, median, spread};

const HOSTS: usize = 3;
const SLOTS: u32 = 8;
/// Enough that the start and the end of a round weigh little.
const JOBS_OF_EACH: usize = 120;
/// A short job on a real engine: its calls and its run.
const CALL: Duration = Duration::from_millis(10);
const RUN_TIME: Duration = Duration::from_millis(200);
const BAR: f64 = 2.7;

pub(super) async fn measure(server: &Postgres, rounds: usize) -> Result<()> {
    for database in [Database::Sqlite, Database::Postgres] {
        let (mut one, mut three) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            one.push(round(database, server, 1).await?);
            three.push(round(database, server, HOSTS).await?);
        }
        let ratio = median(&three) / median(&one);
        println!(
            "{}, {HOSTS} mock hosts, jobs/s: {}; one: {}; ratio {}",
            database.word(),
            spread(&three),
            spread(&one),
            against(ratio, BAR, ratio >= BAR)
        );
    }
    Ok(())
}

/// Jobs a second on so many hosts.
async fn round(database: Database, server: &Postgres, count: usize) -> Result<f64> {
    let hosts = (0..count)
        .map(|number| host(&format!("mock-{number}"), HostKind::Mock, "mock://", SLOTS))
        .collect::<Result<Vec<Host>>>()?;
    let ground = Ground::with(database, server, &hosts).await?;
    let behaviour = Behaviour::default().runs_for(RUN_TIME);
    let mut knobs = Knobs::new(Timestamp::now()).with(Selector::Any, behaviour);
    knobs.latency = CALL;
    let all = jobs(count * JOBS_OF_EACH)?;
    ground.store.submit(&all, Timestamp::now()).await?;
    carry_out(&ground.store, Mocks::new(knobs), all.len()).await
}
