//! Storms of more than a test's size: `cargo xtask chaos`.

#![expect(clippy::print_stdout, reason = "its report is what it is for")]

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use longshore_e2e::chaos::{Aftermath, StoreKind, Storm};

/// Runs jobs with known ends through random trouble, and checks the books.
#[derive(Parser)]
struct Arguments {
    /// How many jobs.
    #[arg(long, default_value_t = 500)]
    jobs: usize,
    /// How many engines, every other one with live restore.
    #[arg(long, default_value_t = 3)]
    engines: usize,
    /// How many workers.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Where jobs are kept.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// Storms to raise again; without any, one of a new seed.
    #[arg(long = "seed", value_name = "SEED")]
    seeds: Vec<u64>,
    /// How many storms of new seeds.
    #[arg(long, default_value_t = 1, conflicts_with = "seeds")]
    storms: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
}

impl From<Store> for StoreKind {
    fn from(store: Store) -> Self {
        match store {
            Store::Sqlite => Self::Sqlite,
            Store::Postgres => Self::Postgres,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut seeds = arguments.seeds;
    if seeds.is_empty() {
        seeds.extend((0..arguments.storms).map(|_| fastrand::u64(..1_000_000)));
    }
    let mut code = ExitCode::SUCCESS;
    for seed in seeds {
        let storm = Storm {
            seed,
            jobs: arguments.jobs,
            engines: arguments.engines,
            workers: arguments.workers,
            engines_fall: true,
            store: arguments.store.into(),
        };
        println!("{storm:?}; `cargo xtask chaos … --seed {seed}` raises it again");
        let aftermath = storm.rage();
        tell(&aftermath);
        if !aftermath.wrong.is_empty() {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn tell(aftermath: &Aftermath) {
    println!("  troubles  {:?}", aftermath.troubles);
    println!("  verdicts  {:?}", aftermath.verdicts);
    println!(
        "  {} attempts in {:.0} s",
        aftermath.attempts,
        aftermath.took.as_secs_f64()
    );
    for wrong in &aftermath.wrong {
        println!("  WRONG     {wrong}");
    }
    if aftermath.wrong.is_empty() {
        println!("  nothing lost, doubled, leaked or misreported");
    }
}
