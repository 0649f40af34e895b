//! Several hosts: jobs go where their labels are and where there is room, leave hosts that are
//! drained, stay away from one that fails everything, and `explain` says so.

use longshore_e2e::drill::{Drill, PATIENCE};
use longshore_testkit::{
    DEMO_IMAGE, Engine, EngineOptions, Fault, FaultProxy, Rule, eventually, shared_engine,
};
use serde_json::Value;

/// A pool with hosts of these names, all of them the shared engine.
fn pool(names: &[&str]) -> Drill {
    let drill = Drill::on(&shared_engine());
    for name in names {
        add(&drill, name);
    }
    drill
}

fn add(drill: &Drill, name: &str) {
    let address = format!("unix://{}", drill.socket().display());
    drill.ok(&["hosts", "add", name, &address]);
}

fn host(drill: &Drill, name: &str) -> Value {
    let listed = drill.ok(&["--json", "hosts", "list"]);
    let hosts: Vec<Value> = serde_json::from_str(&listed).expect("a list");
    let found = hosts.into_iter().find(|host| host["name"] == name);
    found.expect("the host is in the list")
}

#[test]
fn a_job_waits_for_its_label_and_explain_says_what_would_let_it_start() {
    let drill = pool(&["b1", "b2"]);
    drill.ok(&["hosts", "cordon", "b2"]);
    let id = drill.submit(&["--on", "zone=b"], "echo there");
    let said = drill.ok(&["explain", &id]);
    for part in [
        "is queued",
        "0 jobs ahead",
        "b1: has no label zone=b",
        "fix: no worker runs on this machine: start one by `longshore worker`",
        "fix: `longshore hosts set b1 --label zone=b`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    drill.ok(&["hosts", "set", "b1", "-l", "zone=b"]);
    let listed: Value = serde_json::from_str(&drill.ok(&["--json", "explain", &id])).unwrap();
    let hosts = listed[0]["hosts"].as_array().expect("a list").clone();
    assert_eq!(
        (&hosts[0]["host"], &hosts[0]["takes_it"]),
        (&"b1".into(), &true.into())
    );
    assert_eq!(hosts[1]["text"], "has no label zone=b");
    let _worker = drill.worker();
    let job = drill.until_gone(&id);
    assert_eq!(
        (&job["status"], &job["host"]),
        (&"completed".into(), &"b1".into())
    );
    let said = drill.ok(&["explain", &id]);
    assert!(
        said.contains("on host b1") && said.contains("placed by b1: "),
        "{said}"
    );
}

#[test]
fn what_runs_on_a_drained_host_goes_on_elsewhere_at_no_cost() {
    let drill = pool(&["b1"]);
    let _worker = drill.worker();
    let id = drill.submit(
        &["--infra-retries", "0", "--stop-timeout", "1"],
        "sleep 300",
    );
    drill.until_running(&id);
    add(&drill, "b2");
    drill.ok(&["hosts", "drain", "b1", "--deadline", "1s", "--wait"]);
    let job = drill.until("it runs again", &id, |job| {
        job["attempt"] == 2 && job["status"] == "running"
    });
    assert_eq!(job["host"], "b2", "{job:#}");
    assert_eq!(
        job["attempts"][0]["verdict"]["reason"], "evicted",
        "{job:#}"
    );
    assert_eq!(
        (&job["retries_used"], &job["infra_retries_used"]),
        (&0.into(), &0.into())
    );
    let doctor = drill.call(&["doctor", "b1"]);
    assert!(doctor.stdout.contains("hosts uncordon b1"), "{doctor:#?}");
    drill.ok(&["cancel", &id]);
    drill.until_gone(&id);
}

#[test]
fn a_job_that_is_too_large_for_every_host_waits_and_says_so() {
    let drill = pool(&["b1"]);
    let run = drill.start_run(&["-m", "100t"], "true");
    eventually("run says why it waits", PATIENCE, || {
        run.stderr().contains("b1: needs 100 TiB, the host has ")
    });
    drill.ok(&["cancel", "-"]);
    assert_eq!(run.done().code, 130);
}

#[test]
fn a_host_that_fails_everything_keeps_the_queue_and_a_canary_brings_it_back() {
    let drill = Drill::on(&shared_engine());
    let proxy = FaultProxy::start(&shared_engine()).expect("a proxy starts");
    drill.lead_to(&proxy.socket());
    let address = format!("unix://{}", drill.socket().display());
    drill.ok(&["hosts", "add", "b1", &address, "--slots", "1"]);
    let fault = Fault::Answer {
        status: 507,
        body: r#"{"message": "no space left on device"}"#.to_owned(),
    };
    proxy.add(Rule::every("/containers/create", fault).method("POST"));
    let jobs: Vec<_> = (0..5)
        .map(|_| drill.submit(&["--infra-retries", "0"], "true"))
        .collect();
    let _worker = drill.worker();
    eventually("the breaker opens", PATIENCE, || {
        host(&drill, "b1")["breaker"]["state"] == "open"
    });
    let said = drill.ok(&["explain", &jobs[4]]);
    assert!(said.contains("b1: failed its last attempts"), "{said}");
    let doctor = drill.call(&["doctor", "b1"]);
    assert_eq!(doctor.code, 1, "{doctor:#?}");
    assert!(doctor.stdout.contains("its breaker opened"), "{doctor:#?}");
    proxy.clear();
    for id in &jobs[3..] {
        let job = drill.until_gone(id);
        assert_eq!(job["status"], "completed", "{job:#}");
    }
    assert_eq!(host(&drill, "b1")["breaker"]["state"], "closed");
    assert!(drill.leftovers().is_empty());
}

#[test]
fn containers_of_others_take_their_part_until_they_are_gone() {
    let engine = Engine::start(&EngineOptions::default()).unwrap();
    let drill = Drill::on(engine.access());
    let address = format!("unix://{}", drill.socket().display());
    drill.ok(&["hosts", "add", "b1", &address, "--memory", "1g"]);
    let stranger = ["run", "-d", "-m", "900m", DEMO_IMAGE, "sleep", "600"];
    let stranger = engine.access().docker(stranger).unwrap();
    let _worker = drill.worker();
    eventually("the stranger is counted", PATIENCE, || {
        host(&drill, "b1")["census"]["foreign"]["memory_bytes"] == 900 << 20
    });
    let id = drill.submit(&["-m", "512m"], "true");
    let said = drill.ok(&["explain", &id]);
    let expected = "b1: needs 512 MiB, 124 MiB of 1 GiB are free";
    assert!(said.contains(expected), "{said}");
    engine
        .access()
        .docker(["rm", "-f", stranger.trim()])
        .unwrap();
    assert_eq!(drill.until_gone(&id)["status"], "completed");
}
