//! Stories of `tests/stories` and `tests/embedded` once more, told by a user who is not root, without an
//! engine; and what only he meets.
#![expect(clippy::unwrap_used, reason = "the steps of tests are tests, too")]

use longshore_e2e::drill::{Drill, EMBEDDED_HOST};

#[path = "../stories/cancels.rs"]
mod cancels;
#[path = "../stories/exit_codes.rs"]
mod exit_codes;
mod numbers;
#[path = "../stories/running.rs"]
mod running;
#[path = "../stories/steps.rs"]
#[expect(dead_code, reason = "stories that are not told here use the rest")]
mod steps;
#[path = "../stories/time_limits.rs"]
mod time_limits;
mod user;
#[path = "../embedded/workers.rs"]
mod workers;

use steps::*;

/// A pool of an ordinary user, on this machine alone.
fn pool() -> Drill {
    Drill::of_user()
}

/// A pool of an ordinary user whose only host has so many slots.
fn pool_with_slots(slots: usize) -> Drill {
    let pool = pool();
    pool.ok(&["hosts", "set", EMBEDDED_HOST, "--slots", &slots.to_string()]);
    pool
}
