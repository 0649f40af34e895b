//! From being made to being gone.

use longshore_core::log::Stream;
use longshore_runtime::{
    Delivered, EndCause, Made, Network, Removal, RuntimeError, Status, WhileRunning,
};

use crate::ground::{Ground, eventually, frames};

#[test]
fn a_container_runs_its_program_and_says_how_it_ended() {
    let ground = Ground::new();
    let config = ground.script("life", "echo out; echo err >&2; exit 37");
    let ended = ground.run(&config);
    assert_eq!((ended.code, ended.cause), (37, EndCause::Itself));
    assert_eq!(ground.stdout(&config.name), "out\n");
    assert_eq!(ground.output(&config.name, Stream::Stderr), "err\n");
    assert!(ended.finished_at >= ended.started_at);
    assert!(ended.totals.cpu_nanos.is_some_and(|nanos| nanos > 0));
    assert_eq!(ended.log.written_bytes, 8);
}

#[test]
fn a_container_is_made_once_and_runs_once() {
    let ground = Ground::new();
    let config = ground.script("once", "echo ran; sleep 0.2");
    assert_eq!(ground.runtime.create(&config).unwrap(), Made::New);
    assert_eq!(ground.another().create(&config).unwrap(), Made::Existed);
    let created = Status::Created { refused: None };
    assert_eq!(ground.runtime.status(&config.name).unwrap(), Some(created));
    let names = ground.runtime.names().unwrap();
    assert_eq!(names, std::slice::from_ref(&config.name));
    let found = ground.another().config(&config.name).unwrap();
    assert_eq!(found.as_ref(), Some(&config));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| ground.another().start(&config.name).unwrap());
        }
    });
    ground.ended(&config.name);
    ground.runtime.start(&config.name).unwrap();
    assert_eq!(ground.stdout(&config.name), "ran\n");
}

#[test]
fn what_is_not_there_is_absent_and_no_error() {
    let ground = Ground::new();
    let name = ground.name("none");
    let runtime = &ground.runtime;
    assert_eq!(runtime.status(&name).unwrap(), None);
    assert_eq!(runtime.config(&name).unwrap(), None);
    assert_eq!(runtime.created_at(&name).unwrap(), None);
    assert_eq!(runtime.signal(&name, 15).unwrap(), Delivered::WasAbsent);
    let removal = runtime.remove(&name, WhileRunning::Kill).unwrap();
    assert_eq!(removal, Removal::WasAbsent);
    assert!(runtime.log(&name).unwrap().is_none());
    assert!(matches!(runtime.start(&name), Err(RuntimeError::Absent(_))));
    assert!(matches!(runtime.status("../x"), Err(RuntimeError::Name(_))));
}

#[test]
fn one_that_runs_is_removed_only_by_force() {
    let ground = Ground::new();
    let config = ground.script("removal", "echo up; sleep 1000");
    ground.start(&config);
    ground.has_said(&config.name, "up");
    let spared = ground.runtime.remove(&config.name, WhileRunning::Spare);
    assert_eq!(spared.unwrap(), Removal::Runs);
    let is_running = matches!(
        ground.runtime.status(&config.name).unwrap(),
        Some(Status::Running { .. })
    );
    assert!(is_running);
    let killed = ground.runtime.remove(&config.name, WhileRunning::Kill);
    assert_eq!(killed.unwrap(), Removal::Gone);
    assert_eq!(ground.runtime.status(&config.name).unwrap(), None);
}

#[test]
fn one_that_ended_is_removed_without_force() {
    let ground = Ground::new();
    let config = ground.script("removal", "exit 0");
    ground.run(&config);
    let removed = ground.runtime.remove(&config.name, WhileRunning::Spare);
    assert_eq!(removed.unwrap(), Removal::Gone);
    let again = ground.runtime.remove(&config.name, WhileRunning::Spare);
    assert_eq!(again.unwrap(), Removal::WasAbsent);
}

#[test]
fn of_many_who_remove_one_does() {
    let ground = Ground::new();
    let config = ground.script("crowd", "sleep 1000");
    ground.start(&config);
    let runtimes: Vec<_> = (0..8).map(|_| ground.another()).collect();
    let removals: Vec<Removal> = std::thread::scope(|scope| {
        let removing = runtimes.iter().map(|runtime| {
            let name = &config.name;
            scope.spawn(move || runtime.remove(name, WhileRunning::Kill).unwrap())
        });
        let removing: Vec<_> = removing.collect();
        removing
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    let gone = removals.iter().filter(|one| **one == Removal::Gone).count();
    assert_eq!(gone, 1, "{removals:?}");
    assert!(!removals.contains(&Removal::Runs), "{removals:?}");
}

#[test]
fn a_stop_is_a_signal_and_then_a_kill() {
    let ground = Ground::new();
    let kind = ground.script(
        "kind",
        "trap 'echo bye; exit 3' TERM; echo up; sleep 1000 & wait",
    );
    let deaf = ground.script("deaf", "trap '' TERM; echo up; sleep 1000 & wait");
    for config in [&kind, &deaf] {
        ground.start(config);
        ground.has_said(&config.name, "up");
    }
    let grace = std::time::Duration::from_mins(1);
    let asked = ground.runtime.stop(&kind.name, 15, grace).unwrap();
    assert_eq!(asked, Delivered::Yes);
    let ended = ground.ended(&kind.name);
    assert_eq!((ended.code, ended.cause), (3, EndCause::Stopped));
    assert_eq!(ground.stdout(&kind.name), "up\nbye\n");
    let grace = std::time::Duration::from_millis(50);
    ground.another().stop(&deaf.name, 15, grace).unwrap();
    let ended = ground.ended(&deaf.name);
    assert_eq!((ended.code, ended.cause), (137, EndCause::Stopped));
    assert_eq!(
        ground.runtime.signal(&deaf.name, 15).unwrap(),
        Delivered::NotRunning
    );
}

#[test]
fn any_signal_reaches_the_program_also_one_of_real_time() {
    let ground = Ground::new();
    let script =
        "trap 'echo usr' USR1; trap 'echo rt; exit 0' 37; echo up; while :; do sleep 0.01; done";
    let config = ground.script("signals", script);
    ground.start(&config);
    ground.has_said(&config.name, "up");
    ground.runtime.signal(&config.name, 10).unwrap();
    ground.has_said(&config.name, "usr");
    ground.runtime.signal(&config.name, 37).unwrap();
    let ended = ground.ended(&config.name);
    assert_eq!((ended.code, ended.cause), (0, EndCause::Itself));
    assert_eq!(ground.stdout(&config.name), "up\nusr\nrt\n");
}

#[test]
fn time_is_limited_by_the_supervisor_alone() {
    let ground = Ground::new();
    let mut config = ground.script(
        "limit",
        "trap 'echo late' TERM; while :; do sleep 0.01; done",
    );
    config.run_limit_millis = Some(150);
    config.stop_grace_millis = 150;
    let ended = ground.run(&config);
    assert_eq!((ended.code, ended.cause), (137, EndCause::RunLimit));
    assert_eq!(ground.stdout(&config.name), "late\n");
    let ran = ended.finished_at.duration_since(ended.started_at);
    assert!(ran.as_millis() >= 300, "{ran:?}");
}

#[test]
fn a_program_that_cannot_be_executed_is_refused_as_docker_does() {
    let ground = Ground::new();
    for (name, program, code) in [
        ("none", "no-such-program", 127),
        ("path", "/no/such/program", 127),
        ("file", "/etc/passwd", 126),
        ("folder", "/etc", 126),
    ] {
        let config = ground.config(name, &[program]);
        ground.runtime.create(&config).unwrap();
        let Err(RuntimeError::Refused(refused)) = ground.runtime.start(&config.name) else {
            panic!("{program} is not refused");
        };
        assert_eq!(refused.code, code, "{}", refused.message);
        assert!(refused.message.contains(program), "{}", refused.message);
        let status = ground.runtime.status(&config.name).unwrap();
        let refused = Some(refused);
        assert_eq!(status, Some(Status::Created { refused }));
    }
}

#[test]
fn one_that_was_refused_can_be_tried_again() {
    let ground = Ground::new();
    let layer = ground.root().join("layer");
    std::fs::create_dir_all(layer.join("bin")).unwrap();
    let mut config = ground.config("again", &["job"]);
    config.rootfs.layers.push(layer.clone());
    ground.runtime.create(&config).unwrap();
    assert!(ground.runtime.start(&config.name).is_err());
    std::fs::write(layer.join("bin/job"), "#!/bin/sh\necho now\n").unwrap();
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(layer.join("bin/job"), rights).unwrap();
    ground.runtime.start(&config.name).unwrap();
    assert_eq!(ground.ended(&config.name).code, 0);
    assert_eq!(ground.stdout(&config.name), "now\n");
}

#[test]
fn without_an_init_the_program_is_the_first_process() {
    let ground = Ground::new();
    for (name, init, pid) in [("with", true, "2\n"), ("without", false, "1\n")] {
        let mut config = ground.script(name, "echo $$");
        config.process.init = init;
        ground.run(&config);
        assert_eq!(ground.stdout(&config.name), pid, "{name}");
    }
}

#[test]
fn an_init_leaves_no_zombies_and_ends_everything_with_the_program() {
    let ground = Ground::new();
    let script = "sleep 1000 & (sleep 0.01 &); sleep 0.2; ps | grep -c '\\[sleep\\]'; exit 5";
    let config = ground.script("reaper", script);
    assert_eq!(ground.run(&config).code, 5);
    assert_eq!(ground.stdout(&config.name), "0\n");
}

#[test]
fn the_supervisor_shows_nothing_of_the_machine_inside() {
    let ground = Ground::new();
    let script =
        "cat /proc/1/cmdline /proc/1/environ | tr '\\0' '\\n'; ls /proc/1/fd /proc/self/fd";
    let config = ground.script("inside", script);
    ground.run(&config);
    let shown = ground.stdout(&config.name);
    assert!(shown.starts_with("longshore-supervisor\n"), "{shown}");
    assert!(!shown.contains(ground.root().to_str().unwrap()), "{shown}");
    // Standard ones, and that which `ls` reads the folder by.
    let fds = "/proc/1/fd:\n0\n1\n2\n\n/proc/self/fd:\n0\n1\n2\n3\n";
    assert!(shown.ends_with(fds), "{shown}");
}

#[test]
fn loopback_is_up_where_there_is_no_other_network() {
    let ground = Ground::new();
    let mut config = ground.script(
        "lo",
        "ping -c 1 -w 5 127.0.0.1 >/dev/null && ls /sys/class/net",
    );
    config.network = Network::None;
    assert_eq!(ground.run(&config).code, 0);
    assert_eq!(ground.stdout(&config.name), "lo\n");
}

#[test]
fn a_log_is_followed_from_the_first_frame_while_it_grows() {
    let ground = Ground::new();
    let config = ground.script("follow", "for i in 1 2 3; do echo $i; sleep 0.05; done");
    ground.start(&config);
    let mut log = ground.runtime.log(&config.name).unwrap().unwrap();
    let mut seen = Vec::new();
    eventually("three lines", || {
        seen.extend(frames(&mut log).into_iter().map(|frame| frame.bytes));
        seen.len() == 3
    });
    ground.ended(&config.name);
    let again = frames(&mut ground.runtime.log(&config.name).unwrap().unwrap());
    let again: Vec<_> = again.into_iter().map(|frame| frame.bytes).collect();
    assert_eq!(seen, again);
    assert_eq!(seen.concat(), b"1\n2\n3\n");
}

#[test]
fn memory_that_runs_out_is_told_from_other_kills() {
    let ground = Ground::new();
    let limited = |name: &str, script: &str| {
        let mut config = ground.script(name, script);
        config.bounds.memory_bytes = Some(32 << 20);
        config.bounds.memory_swap_bytes = Some(32 << 20);
        config
    };
    let hungry = limited("hungry", "exec tail -c 200m /dev/zero");
    let ended = ground.run(&hungry);
    assert_eq!((ended.code, ended.oom_killed), (137, true));
    let child = limited("child", "tail -c 200m /dev/zero; exit 0");
    let ended = ground.run(&child);
    assert_eq!((ended.code, ended.oom_killed), (0, true));
    assert!(
        ended
            .totals
            .peak_memory_bytes
            .is_some_and(|bytes| bytes > 20 << 20)
    );
    let modest = limited("modest", "kill -9 $$");
    let ended = ground.run(&modest);
    assert_eq!((ended.code, ended.oom_killed), (137, false));
}

#[test]
fn usage_is_told_while_it_runs_and_by_its_end() {
    let ground = Ground::new();
    let config = ground.script("usage", "echo up; exec sleep 1000");
    assert_eq!(ground.runtime.usage(&config.name).unwrap(), None);
    ground.start(&config);
    ground.has_said(&config.name, "up");
    let counters = ground.runtime.usage(&config.name).unwrap().unwrap();
    assert!(
        counters.memory_bytes.is_some_and(|bytes| bytes > 0),
        "{counters:?}"
    );
    assert!(counters.pids.is_some_and(|pids| pids >= 2), "{counters:?}");
    ground.runtime.signal(&config.name, 9).unwrap();
    let ended = ground.ended(&config.name);
    assert_eq!((ended.code, ended.cause), (137, EndCause::Stopped));
    eventually("nothing is counted any more", || {
        ground.runtime.usage(&config.name).unwrap().is_none()
    });
}

#[test]
fn a_log_beyond_its_limit_keeps_head_and_tail() {
    let ground = Ground::new();
    let mut config = ground.script("cap", "seq 1 200000");
    config.log_limit_bytes = 64 * 1024;
    let ended = ground.run(&config);
    let frames = frames(&mut ground.runtime.log(&config.name).unwrap().unwrap());
    let kept: usize = frames
        .iter()
        .filter(|frame| frame.stream == Stream::Stdout)
        .map(|frame| frame.bytes.len())
        .sum();
    assert_eq!(frames[0].bytes, "1\n");
    assert_eq!(frames[frames.len() - 1].bytes, "200000\n");
    assert_eq!(
        ended.log.written_bytes - ended.log.dropped_bytes,
        kept as u64
    );
    let notes = frames.iter().filter(|frame| frame.stream == Stream::Note);
    assert_eq!(notes.count(), 1);
}

#[test]
fn whoever_is_first_makes_the_bridge_of_private_networks() {
    // The supervisors of this thread's containers are in its network, which is nobody else's.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    let ground = Ground::new();
    for name in ["first", "second"] {
        let mut config = ground.script(name, "ip address show eth0 | grep -c 'inet '");
        config.network = Network::Private;
        config.dns = vec!["192.0.2.53".parse().unwrap()];
        assert_eq!(ground.run(&config).code, 0);
        assert_eq!(ground.stdout(&config.name), "1\n");
    }
}
