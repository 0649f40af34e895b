//! The stories of `tests/stories` without an engine: the same files, on pools whose only host is this
//! machine itself; and what only such a host shows.

use longshore_e2e::drill::{Drill, EMBEDDED_HOST};
use longshore_testkit::EngineAccess;

#[path = "../stories/arrays.rs"]
mod arrays;
#[path = "../stories/cancels.rs"]
mod cancels;
#[path = "../stories/dependencies.rs"]
mod dependencies;
#[path = "../stories/exit_codes.rs"]
mod exit_codes;
mod hostile_images;
#[path = "../stories/interrupts.rs"]
mod interrupts;
#[path = "../stories/memory.rs"]
mod memory;
mod no_engine;
#[path = "../stories/output.rs"]
mod output;
#[path = "../stories/pulls.rs"]
mod pulls;
#[path = "../stories/queue.rs"]
mod queue;
#[path = "../stories/reading.rs"]
mod reading;
#[path = "../stories/retries.rs"]
mod retries;
#[path = "../stories/running.rs"]
mod running;
#[path = "../stories/schedules.rs"]
mod schedules;
#[path = "../stories/steps.rs"]
mod steps;
#[path = "../stories/time_limits.rs"]
mod time_limits;
#[path = "../stories/turns.rs"]
mod turns;
mod unsteady_pulls;
mod workers;

use steps::*;

/// A pool on this machine alone.
fn pool() -> Drill {
    Drill::embedded()
}

/// The same in the network of an engine.
fn pool_beside(engine: &EngineAccess) -> Drill {
    Drill::embedded_beside(engine)
}

/// A pool whose only host has so many slots.
fn pool_with_slots(slots: usize) -> Drill {
    let pool = pool();
    pool.ok(&["hosts", "set", EMBEDDED_HOST, "--slots", &slots.to_string()]);
    pool
}
