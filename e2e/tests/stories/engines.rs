//! What only an engine shows: its own record of a container, its silence in the middle of a launch, and
//! how it pulls.

use std::time::{Duration, Instant};

use longshore_e2e::drill::{Drill, PATIENCE};
use longshore_e2e::made_image::{image_of, noise};
use longshore_testkit::{Fault, RegistryKind, Rule, eventually, shared_engine};

use crate::cancels::cancel;
use crate::pulls::Scene;
use crate::{check_nothing_is_left, newest, pool, standing};

#[test]
fn a_job_that_pulls_is_cancelled_without_waiting_for_the_pull() {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    let pull = proxy.add(Rule::every("/images/create", Fault::Hang));
    let worker = pool.worker();
    let id = pool.submit(&["--pull", "always"], "echo never");
    pool.until_hit(&proxy, pull);
    let started = Instant::now();
    cancel(&pool, &id);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_job_whose_container_is_being_made_is_not_started() {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    let late = Fault::Delay(Duration::from_secs(2));
    let create = proxy.add(Rule::every("/containers/create", late));
    let worker = pool.worker();
    let id = pool.submit(&[], "echo never");
    pool.until_hit(&proxy, create);
    cancel(&pool, &id);
    let events = pool.events(&id);
    assert!(!events.iter().any(|kind| kind == "started"), "{events:?}");
    let starts = proxy.requests();
    let starts: Vec<_> = starts
        .iter()
        .filter(|line| line.ends_with("/start"))
        .collect();
    assert!(starts.is_empty(), "{starts:?}");
    assert_eq!(worker.leave().code, 0);
}

/// A request of the launch that gets no answer ends by the start limit, not by a bound of ours.
#[track_caller]
fn check_silent_launch(path: &str) {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every(path, Fault::Hang));
    let flags = ["--start-timeout", "2s", "--infra-retries", "0"];
    let run = pool.start_run(&flags, "true");
    let done = run.done_within(Duration::from_secs(150));
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout start");
    check_nothing_is_left(&pool);
    assert!(done.took < Duration::from_secs(30), "{done:?}");
}

#[test]
fn a_start_that_hangs_times_out() {
    check_silent_launch("/start");
}

#[test]
fn a_create_that_hangs_times_out() {
    check_silent_launch("/containers/create");
}

/// A pull that stays silent for ever ends by this flag.
#[track_caller]
fn check_silent_pull(flag: &str) {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every("/images/create", Fault::Hang));
    let flags = ["--pull", "always", flag, "2s", "--infra-retries", "0"];
    let done = pool.run(&flags, "true");
    assert_eq!(done.code, 124, "{done:?}");
    assert!(done.took < Duration::from_secs(20), "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout pull");
    check_nothing_is_left(&pool);
}

#[test]
fn a_pull_that_stays_silent_times_out() {
    check_silent_pull("--pull-idle-timeout");
}

#[test]
fn a_pull_that_takes_too_long_times_out() {
    check_silent_pull("--pull-timeout");
}

#[test]
fn the_total_limit_also_ends_a_pull() {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    proxy.add(Rule::every("/images/create", Fault::Hang));
    let done = pool.run(&["--pull", "always", "--total-timeout", "2s"], "true");
    assert_eq!(done.code, 124, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "timeout total");
    check_nothing_is_left(&pool);
}

/// Engines that have not all rights themselves cannot start such a container, so this one is looked
/// at before its start.
#[test]
fn an_allowed_privileged_job_reaches_the_engine_as_one() {
    let (pool, proxy) = Drill::through_proxy(&shared_engine());
    let start = proxy.add(Rule::every("/start", Fault::Hang));
    pool.ok(&["policy", "set", "allow_privileged", "true"]);
    let worker = pool.worker();
    pool.submit(&["--privileged"], "true");
    pool.until_hit(&proxy, start);
    let container = pool.leftovers().pop().expect("it waits for its start");
    let privileged = pool.container(&container, "{{.HostConfig.Privileged}}");
    assert_eq!(privileged.as_deref(), Some("true"));
    worker.kill9();
}

#[test]
fn limits_and_safe_defaults_reach_the_engine() {
    let pool = pool();
    let worker = pool.worker();
    let format = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} \
        {{.HostConfig.Init}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}}";
    let seen = |flags: &[&str]| {
        let id = pool.submit(flags, "sleep 600");
        let container = pool.until_running(&id);
        let seen = pool.container(&container, format);
        pool.ok(&["cancel", &id]);
        seen.expect("the container is there")
    };
    let chosen = seen(&["-m", "64m", "--cpus", "0.5", "--pids-limit", "77"]);
    assert_eq!(
        chosen,
        "67108864 500000000 77 true false [no-new-privileges]"
    );
    let default = seen(&[]);
    assert_eq!(
        default,
        "536870912 1000000000 1024 true false [no-new-privileges]"
    );
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_missing_network_is_125() {
    let pool = pool();
    let done = pool.run(&["--network", "no-such-network"], "true");
    assert_eq!(done.code, 125, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "failed rejected");
}

#[test]
fn a_registry_that_stops_half_way_fails_the_pull_and_is_said_to_be_down() {
    let mut scene = Scene::new(RegistryKind::Open);
    let local = image_of(&scene.engine, &noise(60_000_000));
    let pushed = scene.registry.push(&scene.engine, &local, "team/big:1");
    let big = pushed.expect("the registry takes it");
    // Its layers must come from the registry.
    let gone = scene.engine.docker(["image", "rm", &local]);
    gone.expect("the image can go");
    let run = ["run", "--infra-retries", "0", &big, "true"];
    let run = scene.drill.spawn(&run);
    let asked = || scene.registry.log().contains("GET /v2/team/big/manifests");
    eventually("the pull has begun", PATIENCE, asked);
    scene.registry.stop();
    let done = run.done();
    assert_eq!(done.code, 125, "{done:#?}");
    let job = scene.newest();
    assert_eq!(job["reason"], "image_pull", "{job:#}");
    let sentence = "the registry cannot be reached";
    assert!(done.stderr.contains(sentence), "{done:#?}");
}

#[test]
fn ten_jobs_that_want_one_image_make_one_pull() {
    let scene = Scene::new(RegistryKind::Open);
    let config = scene.registry.docker_config().unwrap();
    let (drill, proxy) = Drill::through_proxy(&scene.engine);
    let drill = drill.with_config(config.path());
    // Never befalls anything: it counts.
    let pulls = proxy.add(Rule::every("/images/create", Fault::Delay(Duration::ZERO)));
    let jobs: Vec<String> = (0..10)
        .map(|_| drill.ok(&["submit", &scene.image, "true"]))
        .collect();
    let worker = drill.spawn(&["worker", "--exit-when-empty"]);
    assert_eq!(worker.done().code, 0);
    for id in &jobs {
        assert_eq!(drill.job(id)["status"], "completed");
    }
    assert_eq!(proxy.hits(pulls), 1);
}
