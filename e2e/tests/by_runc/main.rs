//! The stories of `tests/stories` without an engine, where `runc` runs the containers instead of what is
//! built in; and what is said where there is no such program.

use longshore_e2e::drill::{Drill, EMBEDDED_HOST};

#[path = "../stories/cancels.rs"]
mod cancels;
#[path = "../stories/exit_codes.rs"]
mod exit_codes;
#[path = "../stories/memory.rs"]
mod memory;
#[path = "../stories/output.rs"]
mod output;
#[path = "../stories/steps.rs"]
#[expect(dead_code, reason = "the stories here do not take all of them")]
mod steps;
#[path = "../stories/time_limits.rs"]
mod time_limits;

use steps::*;

const PROGRAM: &str = "LONGSHORE_OCI_RUNTIME";

/// A pool on this machine alone, with Debian's runc.
fn pool() -> Drill {
    Drill::embedded().with_variable(PROGRAM, "/usr/sbin/runc")
}

/// A pool whose only host has so many slots.
fn pool_with_slots(slots: usize) -> Drill {
    let pool = pool();
    pool.ok(&["hosts", "set", EMBEDDED_HOST, "--slots", &slots.to_string()]);
    pool
}

#[test]
fn a_program_that_is_not_there_is_named_before_anything_runs() {
    let pool = Drill::embedded().with_variable(PROGRAM, "/no/such/runc");
    let wanted = "/no/such/runc, which cannot be executed";
    let done = pool.run(&["--infra-retries", "0"], "true");
    assert_eq!(done.code, 125, "{done:#?}");
    assert!(done.stderr.contains(wanted), "{done:#?}");
    let doctor = pool.call(&["doctor"]);
    assert_ne!(doctor.code, 0, "{doctor:#?}");
    let said = doctor.stdout + &doctor.stderr;
    assert!(said.contains(wanted), "{said}");
    check_nothing_is_left(&pool);
}
