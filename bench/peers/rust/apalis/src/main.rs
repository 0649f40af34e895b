//! One round of apalis, on PostgreSQL or SQLite: URL of an empty database, jobs one by one, jobs in one
//! call.
//!
//! On SQLite its own set-up turns `synchronous` off for the connection that it gets.

mod postgres;
mod sqlite;

use anyhow::Result;
use round::Round;

/// The queue's name.
const QUEUE: &str = "nothing";
/// Jobs that are claimed in one call.
const BATCH: usize = 100;
const CONNECTIONS: u32 = 10;

async fn nothing((): ()) -> Result<(), apalis::prelude::BoxDynError> {
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let round = Round::of_this_process()?;
    let figures = if round.url.starts_with("sqlite:") {
        sqlite::run(&round).await?
    } else {
        postgres::run(&round).await?
    };
    figures.print()
}
