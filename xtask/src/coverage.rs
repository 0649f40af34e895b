//! How much of the product the tests run, line by line: `cargo xtask coverage`.
//!
//! The tests are built with rustc's own instrumentation into a folder apart, so that other builds
//! stay warm. A line counts as `llvm-cov` counts it, and is *covered* when any test ran any of it,
//! in the test's own process or in a `longshore` that it started. Examples in the documentation of
//! items are not run.

mod bars;
mod hits;
mod instrumented;
mod product;
mod table;

use std::fs;

use anyhow::{Result, ensure};
use longshore_testkit::workspace_dir;

use crate::steps::say;
use crate::{ci, tally};
use bars::Bar;
use instrumented::Instrumented;
use table::Table;

/// What may be wished of the measurement.
#[derive(Debug, clap::Args)]
pub(crate) struct Wish {
    /// Run the tests of this crate and show this crate; more than one may be named
    #[arg(short, long = "package", value_name = "CRATE", num_args = 1..)]
    packages: Vec<String>,
    /// Print the lines that no test runs
    #[arg(long)]
    lines: bool,
    /// Fail below so many percent; `workspace` is all crates together
    #[arg(long, value_name = "CRATE=PERCENT", num_args = 1..)]
    at_least: Vec<Bar>,
}

/// Runs the tests and prints what they cover; fails when one fails or a bar is not reached.
pub(crate) fn run(wish: &Wish) -> Result<()> {
    bars::refuse_strangers(&wish.at_least, &measured(&wish.packages)?)?;
    ci::step("tools")?;
    ci::ending_our_engine(|| {
        ci::step("setup")?;
        measure(wish)
    })
}

/// What there will be a number of.
fn measured(packages: &[String]) -> Result<Vec<String>> {
    if !packages.is_empty() {
        return Ok(packages.to_vec());
    }
    let mut names = vec![table::WHOLE.to_owned()];
    for entry in fs::read_dir(workspace_dir().join("crates"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

fn measure(wish: &Wish) -> Result<()> {
    let instrumented = Instrumented::new(&wish.packages)?;
    let objects = instrumented.build()?;
    let tests = instrumented.test(&ci::engine_for_tests()?);
    tally::print();
    let files = hits::read(&instrumented.profiles()?, &objects)?;
    let table = Table::of(&product::without_tests(files)?, &wish.packages);
    ensure!(!table.is_empty(), "no line of the product was seen");
    if wish.lines {
        for line in table.uncovered() {
            println!("{line}");
        }
    }
    println!("{table}");
    say(product::WHAT_COUNTS);
    // What was measured is worth seeing even when a test fails.
    tests?;
    bars::check(&wish.at_least, &table)
}
