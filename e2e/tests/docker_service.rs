//! Containers that their caller drives by `longshore docker`, each step a process of its own, on a
//! real engine.

use longshore_e2e::by_hand::ByHand;
use longshore_e2e::drill::{Drill, is_final};
use longshore_testkit::{shared_engine, unique_name};
use serde_json::Value;

fn pool() -> Drill {
    Drill::on(&shared_engine())
}

/// `docker create` or `docker launch` of a script; returns the container's id and the job's.
#[track_caller]
fn made(pool: &Drill, how: &str, flags: &[&str], script: &str) -> (String, String) {
    let mut args = vec!["--json", "docker", how];
    args.extend(flags);
    args.extend(["demo-image", "sh", "-c", script]);
    let made: Value = serde_json::from_str(&pool.ok(&args)).expect("one line of JSON");
    let word = |key: &str| made[key].as_str().expect("both ids are there").to_owned();
    (word("container"), word("job"))
}

#[test]
fn a_job_is_driven_step_by_step_by_processes_of_their_own() {
    let pool = pool();
    let script = "echo out; echo err >&2; exit 3";
    let (container, job) = made(&pool, "create", &["-e", "A=1"], script);
    assert_eq!(pool.ok(&["docker", "status", &job]), "created");
    assert_eq!(pool.job(&job)["status"], "pending");

    pool.ok(&["docker", "start", &job]);
    assert_eq!(pool.ok(&["docker", "wait", &job]), "3");
    let job_now = pool.job(&job);
    assert_eq!(
        (&job_now["status"], &job_now["exit_code"]),
        (&"failed".into(), &3.into())
    );
    assert!(
        pool.container(&container, "{{.Id}}").is_some(),
        "it is not removed"
    );

    let logs = pool.call(&["docker", "logs", &job]);
    assert_eq!((&*logs.stdout, &*logs.stderr), ("out\n", "err\n"));
    pool.ok(&["docker", "rm", &job]);
    assert_eq!(pool.container(&container, "{{.Id}}"), None);
    assert_eq!(pool.log(&job), "out\n");
}

#[test]
fn a_launched_job_is_harvested_with_its_whole_log() {
    let pool = pool();
    let (_, job) = made(&pool, "launch", &[], "for i in 1 2 3; do echo $i; done");
    assert_eq!(pool.ok(&["docker", "wait", &job]), "0");
    pool.ok(&["docker", "harvest", &job]);
    assert_eq!(pool.ok(&["docker", "status", &job]), "not-found");
    assert_eq!(pool.log(&job), "1\n2\n3\n");
    assert_eq!(pool.job(&job)["status"], "completed");
    assert_eq!(pool.leftovers(), Vec::<String>::new());
}

#[test]
fn a_running_container_is_neither_harvested_nor_removed_without_force() {
    let pool = pool();
    let (container, job) = made(&pool, "launch", &[], "sleep 600");
    for refused in ["harvest", "rm"] {
        let done = pool.call(&["docker", refused, &job]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.stdout.contains("not "), "{done:?}");
    }
    assert_eq!(pool.ok(&["docker", "status", &job]), "running");
    pool.ok(&["docker", "rm", "--force", &job]);
    assert_eq!(pool.container(&container, "{{.Id}}"), None);
    assert_eq!(pool.job(&job)["status"], "cancelled");
}

#[test]
fn a_process_that_ignores_the_stop_signal_is_killed_after_its_time() {
    let pool = pool();
    let script = "trap '' TERM; echo up; while :; do sleep 1; done";
    let (container, job) = made(&pool, "launch", &[], script);
    pool.ok(&["docker", "stop", "--time", "1", &job]);
    pool.until_container(&container, "exited");
    pool.ok(&["docker", "harvest", &job]);
    let job = pool.job(&job);
    assert_eq!(
        (&job["status"], &job["exit_code"]),
        (&"failed".into(), &137.into())
    );
}

#[test]
fn a_container_is_named_by_its_own_id_too() {
    let pool = pool();
    let (container, job) = made(&pool, "launch", &[], "sleep 600");
    assert_eq!(pool.ok(&["docker", "status", &container[..12]]), "running");
    let line = pool.ok(&["--json", "docker", "stats", &container]);
    let stats: Value = serde_json::from_str(&line).expect("one line of JSON");
    assert!(stats["memory_usage"].as_u64() > Some(0), "{stats}");
    assert!(stats["cpu_percent"].is_number(), "{stats}");
    let raw: Value =
        serde_json::from_str(&pool.ok(&["docker", "stats", "--raw", &job])).expect("JSON");
    assert!(raw["memory_stats"].is_object(), "{raw}");
    pool.ok(&["docker", "cancel", &job]);
    assert_eq!(pool.job(&job)["status"], "cancelled");
}

#[test]
fn the_list_tells_ours_from_those_of_others_and_of_the_legacy_system() {
    let engine = shared_engine();
    let pool = Drill::on(&engine);
    let (container, _) = made(&pool, "create", &[], "true");
    let foreign = ByHand::new(&engine, unique_name("by-hand"), &[]);
    let other = "io.longshore.pool=01a205fd-0000-7000-8000-00000000beef";
    let other = ByHand::new(&engine, unique_name("by-hand"), &["--label", other]);
    let job = "django-container-manager.job-id=5f0e4b1e-0d3c-4a52-9a33-6d0b8f2f7a11";
    let legacy = ByHand::new(&engine, unique_name("by-hand"), &["--label", job]);
    let listed: Vec<Value> =
        serde_json::from_str(&pool.ok(&["--json", "docker", "ls", "--all"])).expect("a list");
    let owner = |is_it: &dyn Fn(&Value) -> bool| {
        let row = listed.iter().find(|row| is_it(row)).expect("it is listed");
        row["owner"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(owner(&|row| row["id"] == container.as_str()), "this_pool");
    for (by_hand, word) in [
        (&foreign, "foreign"),
        (&other, "other_pool"),
        (&legacy, "legacy"),
    ] {
        assert_eq!(owner(&|row| row["name"] == by_hand.name()), word);
    }
    pool.ok(&["docker", "cleanup", "--older-than", "0s", "--apply"]);
    for by_hand in [&foreign, &other, &legacy] {
        assert!(by_hand.is_there(), "{by_hand:?}");
    }
}

#[test]
fn workers_leave_such_a_job_alone_and_their_commands_say_who_moves_it() {
    let pool = pool();
    let (container, job) = made(&pool, "launch", &[], "sleep 600");
    pool.ok(&["worker", "--exit-when-empty"]);
    pool.ok(&["cleanup", "--apply"]);
    assert_eq!(pool.ok(&["docker", "status", &job]), "running");
    for command in ["cancel", "retry"] {
        let done = pool.call(&[command, &job]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.stdout.contains("longshore docker"), "{done:?}");
    }
    let refused = pool.call(&["docker", "stop", &pool.submit(&[], "true")]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("workers move this job"),
        "{refused:?}"
    );
    pool.ok(&["docker", "restart", &job]);
    let again = pool.job(&job);
    assert_eq!(
        (&again["status"], &again["attempt"]),
        (&"running".into(), &2.into())
    );
    assert_eq!(
        pool.container(&container, "{{.Id}}"),
        None,
        "the first one is gone"
    );
    pool.ok(&["docker", "rm", "-f", &job]);
    assert!(is_final(&pool.job(&job)));
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_type_next() {
    let pool = pool();
    let (_, job) = made(&pool, "create", &[], "true");
    let early = pool.call(&["docker", "wait", &job]);
    assert_eq!(early.code, 1, "{early:?}");
    assert!(early.stderr.contains("longshore docker start"), "{early:?}");
    pool.ok(&["docker", "rm", &job]);
    let gone = pool.call(&["docker", "rm", &job]);
    assert_eq!((gone.code, &*gone.stderr), (1, ""), "{gone:?}");
    let unmade = pool.call(&["docker", "start", &job]);
    assert!(unmade.stderr.contains("No container ID"), "{unmade:?}");
    assert!(
        unmade.stderr.contains("longshore docker create"),
        "{unmade:?}"
    );
    let missing = pool.call(&["docker", "launch", "--pull", "never", "no-such-image:1"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.stderr.contains("image_not_found"), "{missing:?}");
    let late = pool.call(&["docker", "create", "--delay", "1h", "demo-image"]);
    assert_eq!(late.code, 2, "{late:?}");
    let other = pool.call(&["docker", "status", "0123456789ab"]);
    assert_eq!(other.code, 1, "{other:?}");
}

#[test]
fn a_host_tells_its_health_and_version_and_one_that_is_down_is_an_error() {
    let pool = pool();
    let (_, job) = made(&pool, "launch", &[], "sleep 600");
    assert!(pool.ok(&["docker", "health"]).ends_with(": healthy"));
    let version = pool
        .engine()
        .docker(["version", "--format", "{{.Server.Version}}"]);
    let told = pool.ok(&["docker", "version"]);
    assert!(
        told.ends_with(version.expect("the engine answers").trim()),
        "{told}"
    );

    pool.lead_to(&pool.folder().join("nowhere"));
    assert_eq!(pool.call(&["docker", "health"]).code, 1);
    assert_eq!(pool.ok(&["docker", "status", &job]), "error");
    for command in [&["docker", "version"][..], &["docker", "logs", &job]] {
        let done = pool.call(command);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.stderr.contains("cannot connect to Docker host"),
            "{done:?}"
        );
        assert!(done.stderr.contains("longshore hosts check"), "{done:?}");
    }
    let stop = pool.call(&["docker", "stop", &job]);
    assert_eq!(stop.code, 1, "{stop:?}");
    assert_eq!(pool.job(&job)["status"], "running", "nothing was decided");

    pool.lead_to(pool.engine().socket());
    pool.ok(&["docker", "rm", "--force", &job]);
}
