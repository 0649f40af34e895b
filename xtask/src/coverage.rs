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

use anyhow::{Result, ensure};

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
    let measured = measured(&wish.packages, &product::crates()?);
    ensure!(!measured.is_empty(), "no crate of the product is named");
    bars::refuse_strangers(&wish.at_least, &measured)?;
    ci::step("tools")?;
    ci::ending_our_servers(|| {
        ci::step("setup")?;
        measure(wish)
    })
}

/// What there will be a number of: those of `named` that are the product's, or everything.
fn measured(named: &[String], product: &[String]) -> Vec<String> {
    if named.is_empty() {
        return [product, &[table::WHOLE.to_owned()]].concat();
    }
    let ours = named.iter().filter(|name| product.contains(name));
    ours.cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_crates_are_measured_each_and_together() {
        assert_eq!(
            measured(&[], &names(&["a", "b"])),
            names(&["a", "b", "workspace"])
        );
    }

    #[test]
    fn of_named_crates_those_of_the_product_are_measured() {
        let named = names(&["b", "longshore-e2e"]);
        assert_eq!(measured(&named, &names(&["a", "b"])), names(&["b"]));
    }
}
