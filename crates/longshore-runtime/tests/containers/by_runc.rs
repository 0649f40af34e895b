//! The same with `runc` in place of what is built in.

use std::path::PathBuf;
use std::time::Duration;

use longshore_core::log::Stream;
use longshore_runtime::{EndCause, RuntimeError, Status};

use crate::ground::{Ground, eventually, groups};

fn ground() -> Ground {
    let runc = PathBuf::from("/usr/sbin/runc");
    assert!(runc.is_file(), "Debian's package runc is missing");
    Ground::with(Some(runc))
}

#[test]
fn runc_runs_a_container_as_we_do() {
    let ground = ground();
    let script =
        "echo out; echo err >&2; id -u; grep -E 'CapEff|Seccomp:' /proc/self/status; exit 37";
    let config = ground.script("plain", script);
    let ended = ground.run(&config);
    assert_eq!((ended.code, ended.cause), (37, EndCause::Itself));
    let ours = Ground::new();
    let same = ours.script("plain", script);
    ours.run(&same);
    assert_eq!(ground.stdout(&config.name), ours.stdout(&same.name));
    assert_eq!(ground.output(&config.name, Stream::Stderr), "err\n");
    assert!(ended.totals.cpu_nanos.is_some_and(|nanos| nanos > 0));
}

#[test]
fn runc_stops_and_limits_as_we_do() {
    let ground = ground();
    let mut config = ground.script(
        "stop",
        "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done",
    );
    ground.start(&config);
    ground.has_said(&config.name, "up");
    ground
        .runtime
        .stop(&config.name, 15, Duration::from_mins(1))
        .unwrap();
    let ended = ground.ended(&config.name);
    assert_eq!((ended.code, ended.cause), (3, EndCause::Stopped));
    config = ground.script("limit", "sleep 1000");
    config.run_limit_millis = Some(100);
    config.stop_grace_millis = 100;
    let ended = ground.run(&config);
    assert_eq!((ended.code, ended.cause), (137, EndCause::RunLimit));
}

#[test]
fn runc_refuses_with_the_codes_that_we_have() {
    let ground = ground();
    for (name, program, code) in [
        ("none", "no-such", 127),
        ("path", "/no/such", 127),
        ("file", "/etc/passwd", 126),
    ] {
        let config = ground.config(name, &[program]);
        ground.runtime.create(&config).unwrap();
        let Err(RuntimeError::Refused(refused)) = ground.runtime.start(&config.name) else {
            panic!("{program} is not refused");
        };
        assert_eq!(refused.code, code, "{}", refused.message);
    }
}

#[test]
fn a_container_of_runc_whose_supervisor_is_killed_is_killed_by_who_finds_it() {
    let ground = ground();
    let config = ground.script("lost", "echo up; sleep 1000");
    ground.start(&config);
    ground.has_said(&config.name, "up");
    ground.kill_supervisor(&config);
    eventually("it is lost", || {
        let status = ground.runtime.status(&config.name).unwrap();
        matches!(status, Some(Status::Lost { .. }))
    });
    assert_eq!(groups(&config.name), Vec::<PathBuf>::new());
}
