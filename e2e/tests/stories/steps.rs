//! The steps that stories share, on whatever place their pool is.

use jiff::Timestamp;
use longshore_e2e::drill::Drill;
use serde_json::Value;

use crate::pool_with_slots;

/// A pool whose only host has one slot.
pub(crate) fn pool_with_one_slot() -> Drill {
    pool_with_slots(1)
}

/// Moves all jobs of the pool to their end.
#[track_caller]
pub(crate) fn work_off(pool: &Drill) {
    pool.ok(&["worker", "--exit-when-empty"]);
}

/// The newest job, as `inspect` shows it.
#[track_caller]
pub(crate) fn newest(pool: &Drill) -> Value {
    pool.job("-")
}

/// Nothing of the pool is on its engine.
#[track_caller]
pub(crate) fn check_nothing_is_left(pool: &Drill) {
    assert_eq!(pool.leftovers(), Vec::<String>::new());
}

/// How a job stands: status and reason, as in the table of `jobs`.
pub(crate) fn standing(job: &Value) -> String {
    let word = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("status"), word("reason"))
        .trim_end()
        .to_owned()
}

/// A moment, as JSON has it.
#[track_caller]
pub(crate) fn moment(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a moment");
    text.parse().expect("an RFC 3339 moment")
}

/// The file `go` of the pool's volume lets a job end that runs [`WAIT_FOR_GO`].
pub(crate) fn let_go(pool: &Drill) {
    pool.touch_in_volume("go");
}

/// A line of shell that waits for [`let_go`].
pub(crate) const WAIT_FOR_GO: &str = "until [ -e /v/go ]; do usleep 20000; done";
