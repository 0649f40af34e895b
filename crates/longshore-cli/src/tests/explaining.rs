//! `explain`, and what is said of hosts.

use jiff::SignedDuration;
use longshore_core::health::Showing;
use longshore_core::limits::BREAKER_STRIKES;
use serde_json::Value;

use super::stage::Stage;

async fn stage_with_host() -> Stage {
    let stage = Stage::new();
    let add = ["hosts", "add", "b1", "unix:///b1.sock", "--label", "zone=a"];
    assert_eq!(stage.type_in(&add).await.code, 0);
    stage
}

async fn explained(stage: &Stage) -> String {
    let played = stage.type_in(&["explain", "-"]).await;
    assert_eq!(played.code, 0, "{}", played.err);
    played.out
}

/// `hosts set` with these words lets a job of those flags wait for this reason, with this fix.
async fn check(set: &[&str], flags: &[&str], reason: &str, fix: &str) {
    let stage = stage_with_host().await;
    let played = stage.type_in(&[&["hosts"][..], set].concat()).await;
    assert_eq!(played.code, 0, "{}", played.err);
    let submit = [&["submit"][..], flags, &["demo"]].concat();
    let played = stage.type_in(&submit).await;
    assert_eq!(played.code, 0, "{}", played.err);
    let said = explained(&stage).await;
    assert!(said.contains(&format!("b1: {reason}")), "{said}");
    assert!(said.contains(&format!("fix: {fix}")), "{said}");
}

#[tokio::test]
async fn every_reason_of_a_host_comes_with_what_would_let_the_job_start() {
    let uncordon = "`longshore hosts uncordon b1`";
    let zone = |zone| format!("`longshore hosts set b1 --label zone={zone}`");
    let (zone_a, zone_b) = (zone("a"), zone("b"));
    let window = "* * * * * for 2h";
    let end = "wait, or `longshore hosts set b1 --no-maintenance`";
    let other = "has zone=a, the job wants zone=b";
    let memory = "needs 64 GiB, the host has 1 GiB";
    let cpus = "needs 2 CPUs, the host has 1.5 CPUs";
    let cases: [(&[&str], &[&str], &str, &str); 7] = [
        (&["cordon", "b1"], &[], "draining", uncordon),
        (
            &["drain", "b1", "--deadline", "5m"],
            &[],
            "draining",
            uncordon,
        ),
        (&["set", "b1"], &["--on", "zone=b"], other, &zone_b),
        (
            &["set", "b1", "-l", "zone-"],
            &["--on", "zone=a"],
            "has no label zone=a",
            &zone_a,
        ),
        (
            &["set", "b1"],
            &["-m", "64g"],
            memory,
            "ask for at most 1 GiB",
        ),
        (
            &["set", "b1", "--cpus", "1.5"],
            &["--cpus", "2"],
            cpus,
            "ask for at most 1.5 CPUs",
        ),
        (
            &["set", "b1", "--maintenance", window],
            &[],
            "in maintenance until ",
            end,
        ),
    ];
    for (set, flags, reason, fix) in cases {
        Box::pin(check(set, flags, reason, fix)).await;
    }
}

#[tokio::test]
async fn a_host_that_takes_the_job_says_how_good_it_is_and_who_is_missing() {
    let stage = stage_with_host().await;
    stage.type_in(&["submit", "demo"]).await;
    let said = explained(&stage).await;
    for part in [
        "is queued",
        "0 jobs ahead",
        "expected start: now",
        "b1: takes it: image not known to be there, 10 of 10 slots free, weight 100",
        "fix: no worker runs on this machine",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[tokio::test]
async fn a_delayed_job_says_until_when() {
    let stage = stage_with_host().await;
    stage.type_in(&["submit", "--delay", "10m", "demo"]).await;
    let said = explained(&stage).await;
    assert!(
        said.contains("is pending") && said.contains("it is delayed until "),
        "{said}"
    );
    let json = stage.type_in(&["--json", "explain", "-"]).await.out;
    let explained: Value = serde_json::from_str(&json).unwrap();
    assert!(explained[0]["until"].is_string(), "{explained}");
}

#[tokio::test]
async fn a_job_that_its_caller_drives_says_so() {
    let stage = stage_with_host().await;
    stage.type_in(&["docker", "create", "demo"]).await;
    let said = explained(&stage).await;
    assert!(said.contains("its caller drives it"), "{said}");
}

#[tokio::test]
async fn a_finished_job_says_where_it_ran() {
    let stage = stage_with_host().await;
    assert_eq!(
        stage
            .type_in(&["run", "--host", "b1", "demo", "exit=3"])
            .await
            .code,
        3
    );
    let said = explained(&stage).await;
    assert!(said.contains("is failed exit(3)"), "{said}");
    assert!(said.contains("attempt 1 on host b1"), "{said}");
}

#[tokio::test]
async fn a_host_is_set_drained_and_uncordoned() {
    let stage = stage_with_host().await;
    let listed = async || {
        let json = stage.type_in(&["--json", "hosts", "list"]).await.out;
        serde_json::from_str::<Value>(&json).unwrap()[0].clone()
    };
    let words =
        "hosts set b1 --slots 3 --weight 7 --memory 24g --auto-pull false -l gpu=yes -l zone-";
    let set: Vec<&str> = words.split(' ').collect();
    assert_eq!(stage.type_in(&set).await.code, 0);
    let host = listed().await;
    assert_eq!((&host["slots"], &host["weight"]), (&3.into(), &7.into()));
    assert_eq!(
        (&host["memory"], &host["auto_pull"]),
        (&"24g".into(), &false.into())
    );
    assert_eq!(host["labels"], serde_json::json!({ "gpu": "yes" }));
    assert_eq!(stage.type_in(&["hosts", "drain", "b1"]).await.code, 0);
    let host = listed().await;
    assert_eq!(host["state"], "draining");
    assert!(host["drain_until"].is_string(), "{host}");
    stage.type_in(&["hosts", "set", "b1", "--whole"]).await;
    stage.type_in(&["hosts", "uncordon", "b1"]).await;
    let host = listed().await;
    assert_eq!(
        (&host["state"], &host["memory"]),
        (&"active".into(), &Value::Null)
    );
    assert_eq!(host["drain_until"], Value::Null);
}

#[tokio::test]
async fn a_maintenance_window_is_kept_in_its_zone_and_a_wrong_one_refused() {
    let stage = stage_with_host().await;
    let set = |zone| {
        let window = "0 2 * * 6 for 2h";
        [
            "hosts",
            "set",
            "b1",
            "--maintenance",
            window,
            "--time-zone",
            zone,
        ]
    };
    assert_eq!(stage.type_in(&set("Europe/Berlin")).await.code, 0);
    let json = stage.type_in(&["--json", "hosts", "list"]).await.out;
    assert!(json.contains("0 2 * * 6 for 2h in Europe/Berlin"), "{json}");
    let played = stage.type_in(&set("Atlantis")).await;
    assert_eq!(played.code, 2);
    assert!(
        played.err.contains("use a name such as Europe/Berlin"),
        "{}",
        played.err
    );
}

#[tokio::test]
async fn an_open_breaker_is_listed_explained_and_closed_by_hand() {
    let stage = stage_with_host().await;
    let store = stage.store().await;
    let host = store.host_by_name("b1").await.unwrap().id;
    let then = jiff::Timestamp::now() - SignedDuration::from_mins(3);
    for _ in 0..BREAKER_STRIKES {
        let strike = Showing::Failed("lost".into());
        store.host_showed(host, strike, then).await.unwrap();
    }
    assert!(
        stage
            .type_in(&["hosts", "list"])
            .await
            .out
            .contains("breaker open")
    );
    stage.type_in(&["submit", "demo"]).await;
    let said = explained(&stage).await;
    assert!(
        said.contains("b1: failed its last attempts (lost)"),
        "{said}"
    );
    let doctor = stage.type_in(&["doctor", "b1"]).await;
    assert_eq!(doctor.code, 1);
    assert!(
        doctor.out.contains("its breaker opened 3m ago"),
        "{}",
        doctor.out
    );
    stage.type_in(&["hosts", "uncordon", "b1"]).await;
    assert!(explained(&stage).await.contains("b1: takes it"));
    assert_eq!(stage.type_in(&["doctor", "nobody"]).await.code, 1);
}
