//! The shared database server: up, down, status.

use anyhow::{Result, bail};
use longshore_testkit::SharedPostgres;

use crate::packages;
use crate::wish::Wish;

/// Does what is wished.
pub(crate) fn run(wish: Wish) -> Result<()> {
    match wish {
        Wish::Up => up().map(|url| println!("database server up: {url}")),
        Wish::Down => down(),
        Wish::Status => status(),
    }
}

/// Makes the shared server run; returns the URL of its first database.
pub(crate) fn up() -> Result<String> {
    packages::ensure(packages::FOR_POSTGRES)?;
    let shared = SharedPostgres::of_this_workspace();
    shared.up()?;
    match shared.url() {
        Some(url) => Ok(url),
        None => bail!("the database server has started and does not answer"),
    }
}

/// Ends the shared server.
pub(crate) fn down() -> Result<()> {
    SharedPostgres::of_this_workspace().down()?;
    println!("database server down: nothing of it is left");
    Ok(())
}

/// Whether the shared server answers.
pub(crate) fn is_running() -> bool {
    SharedPostgres::of_this_workspace().url().is_some()
}

fn status() -> Result<()> {
    let Some(url) = SharedPostgres::of_this_workspace().url() else {
        bail!("the database server does not run: `cargo xtask postgres up` starts it");
    };
    println!("database server runs: {url}");
    Ok(())
}
