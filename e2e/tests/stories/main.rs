//! What people do with longshore, told with the whole binary on a real engine. Each story has a
//! pool of its own; at its end none of its containers is left.

use longshore_e2e::drill::{Drill, EMBEDDED_HOST};
use longshore_testkit::{EngineAccess, shared_engine};

mod arrays;
mod cancels;
mod dependencies;
mod engines;
mod exit_codes;
mod interrupts;
mod job_files;
mod memory;
mod output;
mod policy;
mod pulls;
mod queue;
mod reading;
mod refusals;
mod retries;
mod running;
mod schedules;
mod steps;
mod time_limits;
mod turns;

use steps::*;

/// A pool on the shared engine.
fn pool() -> Drill {
    Drill::on(&shared_engine())
}

/// A pool whose only host is an engine, and named.
fn pool_beside(engine: &EngineAccess) -> Drill {
    let pool = Drill::on(engine);
    let address = format!("unix://{}", pool.socket().display());
    pool.ok(&["hosts", "add", EMBEDDED_HOST, &address]);
    pool
}

/// A pool whose only host has so many slots.
fn pool_with_slots(slots: usize) -> Drill {
    let pool = pool();
    let address = format!("unix://{}", pool.socket().display());
    let slots = slots.to_string();
    pool.ok(&["hosts", "add", "one", &address, "--slots", &slots]);
    pool
}
