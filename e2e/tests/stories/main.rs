//! What people do with longshore, told with the whole binary on a real engine. Each story has a
//! pool of its own; at its end none of its containers is left.

use jiff::Timestamp;
use longshore_e2e::drill::Drill;
use longshore_testkit::shared_engine;
use serde_json::Value;

mod arrays;
mod cancels;
mod dependencies;
mod exit_codes;
mod interrupts;
mod job_files;
mod memory;
mod output;
mod policy;
mod queue;
mod reading;
mod refusals;
mod retries;
mod running;
mod schedules;
mod time_limits;
mod turns;

/// A pool on the shared engine.
fn pool() -> Drill {
    Drill::on(&shared_engine())
}

/// A pool whose only host has one slot.
fn pool_with_one_slot() -> Drill {
    pool_with_slots(1)
}

/// A pool whose only host has so many slots.
fn pool_with_slots(slots: usize) -> Drill {
    let pool = pool();
    let address = format!("unix://{}", pool.socket().display());
    let slots = slots.to_string();
    pool.ok(&["hosts", "add", "one", &address, "--slots", &slots]);
    pool
}

/// Moves all jobs of the pool to their end.
#[track_caller]
fn work_off(pool: &Drill) {
    pool.ok(&["worker", "--exit-when-empty"]);
}

/// The newest job, as `inspect` shows it.
#[track_caller]
fn newest(pool: &Drill) -> Value {
    pool.job("-")
}

/// Nothing of the pool is on its engine.
#[track_caller]
fn check_nothing_is_left(pool: &Drill) {
    assert_eq!(pool.leftovers(), Vec::<String>::new());
}

/// How a job stands: status and reason, as in the table of `jobs`.
fn standing(job: &Value) -> String {
    let word = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("status"), word("reason"))
        .trim_end()
        .to_owned()
}

/// A moment, as JSON has it.
#[track_caller]
fn moment(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a moment");
    text.parse().expect("an RFC 3339 moment")
}

/// The file `go` of the pool's volume lets a job end that runs [`WAIT_FOR_GO`].
fn let_go(pool: &Drill) {
    let volume = pool.volume_flag();
    let args = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    pool.engine()
        .docker(args)
        .expect("a file can be made in a volume");
}

/// A line of shell that waits for [`let_go`].
const WAIT_FOR_GO: &str = "until [ -e /v/go ]; do usleep 20000; done";
