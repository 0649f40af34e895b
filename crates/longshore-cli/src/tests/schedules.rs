//! `schedule`: what is typed about jobs that are made again and again.

use longshore_core::outcome::JobStatus;
use serde_json::Value;

use super::stage::{Played, Stage};

const NIGHTLY: [&str; 6] = [
    "schedule",
    "create",
    "nightly",
    "--cron",
    "0 3 * * *",
    "--zone",
];

async fn create(stage: &Stage, more: &[&str]) -> Played {
    let words = [&NIGHTLY[..], &["Europe/Berlin"], more].concat();
    stage.type_in(&words).await
}

fn json(played: &Played) -> Value {
    serde_json::from_str(&played.out).unwrap()
}

#[tokio::test]
async fn a_schedule_is_made_with_the_flags_of_submit_and_listed() {
    let stage = Stage::new();
    let made = create(&stage, &["--overlap", "skip", "-e", "A=1", "demo", "out=x"]).await;
    assert_eq!(
        (made.code, made.out.as_str()),
        (0, "nightly\n"),
        "{}",
        made.err
    );
    assert!(
        made.err.contains("next: ") && made.err.contains("03:00:00 CE"),
        "{}",
        made.err
    );
    let listed = stage.type_in(&["schedule", "ls"]).await.out;
    assert!(listed.contains("0 3 * * * in Europe/Berlin"), "{listed}");
    let shown = json(
        &stage
            .type_in(&["--json", "schedule", "show", "nightly"])
            .await,
    );
    assert_eq!(shown["overlap"], "skip");
    assert_eq!(shown["spec"]["command"], serde_json::json!(["out=x"]));
    assert_eq!(shown["spec"]["env"]["A"], "***");
}

#[tokio::test]
async fn the_next_times_are_told_in_the_zone_of_the_schedule() {
    let stage = Stage::new();
    create(&stage, &["demo"]).await;
    let next = stage
        .type_in(&["schedule", "next", "nightly", "-n", "400"])
        .await
        .out;
    assert_eq!(next.lines().count(), 400);
    assert!(
        next.lines().all(|line| line.contains(" 03:00:00 CE")),
        "{next}"
    );
    let times = json(
        &stage
            .type_in(&["--json", "schedule", "next", "nightly"])
            .await,
    );
    assert_eq!(times.as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn a_run_by_hand_is_a_job_that_knows_its_schedule() {
    let stage = Stage::new();
    create(&stage, &["demo", "out=x"]).await;
    let ran = stage.type_in(&["schedule", "run", "nightly"]).await;
    stage.type_in(&["submit", "demo"]).await;
    stage.type_in(&["worker", "--exit-when-empty"]).await;
    let id = ran.out.trim();
    let listed = stage
        .type_in(&["jobs", "--schedule", "nightly", "-q", "--no-trunc"])
        .await;
    assert_eq!(listed.out.trim(), id);
    let inspected = json(&stage.type_in(&["inspect", id]).await);
    assert_eq!(inspected[0]["schedule"]["name"], "nightly");
    assert_eq!(inspected[0]["name"], "nightly");
    let shown = stage.type_in(&["schedule", "show", "nightly"]).await.out;
    assert!(shown.contains(JobStatus::Completed.word()), "{shown}");
    assert!(shown.contains("run by hand"), "{shown}");
}

#[tokio::test]
async fn a_paused_schedule_says_so_until_it_is_resumed() {
    let stage = Stage::new();
    create(&stage, &["demo"]).await;
    stage.type_in(&["schedule", "pause", "nightly"]).await;
    assert!(
        stage
            .type_in(&["schedule", "ls"])
            .await
            .out
            .contains("paused now")
    );
    let next = stage.type_in(&["schedule", "next", "nightly"]).await;
    assert!(next.err.contains("schedule resume nightly"), "{}", next.err);
    stage.type_in(&["schedule", "resume", "nightly"]).await;
    assert!(
        !stage
            .type_in(&["schedule", "ls"])
            .await
            .out
            .contains("paused")
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_replaced_only_where_that_is_wished() {
    let stage = Stage::new();
    create(&stage, &["demo"]).await;
    let again = create(&stage, &["demo:2"]).await;
    assert_eq!(again.code, 1);
    assert!(again.err.contains("--replace"), "{}", again.err);
    assert_eq!(create(&stage, &["--replace", "demo:2"]).await.code, 0);
    let listed = stage.type_in(&["schedules", "list"]).await.out;
    assert!(listed.contains("demo:2"), "{listed}");
}

#[tokio::test]
async fn what_is_typed_wrong_is_refused_with_what_to_type() {
    let stage = Stage::new();
    stage.write(
        "two.toml",
        "[[job]]\nimage = \"a\"\n[[job]]\nimage = \"b\"\n",
    );
    for (words, hint) in [
        (
            &["--cron", "often", "demo"][..],
            "--cron: invalid cron pattern `often`",
        ),
        (
            &["--cron", "0 3 * * *", "--zone", "Berlin", "demo"],
            "did you mean `Europe/Berlin`?",
        ),
        (&["--every", "0.1s", "demo"], "--every: "),
        (
            &["--every", "1h", "--delay", "1m", "demo"],
            "times of its own",
        ),
        (
            &["--every", "1h", "--idempotency-key", "k", "demo"],
            "leave the key out",
        ),
        (&["--every", "1h", "-f", "two.toml"], "the file has 2 jobs"),
        (&["--every", "1h"], "no image is named"),
    ] {
        let words = [&["schedule", "create", "wrong"], words].concat();
        let played = stage.type_in(&words).await;
        assert_eq!(played.code, 2, "{words:?}");
        assert!(played.err.contains(hint), "{words:?}: {}", played.err);
    }
    for verb in ["show", "next", "pause", "resume", "run", "rm"] {
        let played = stage.type_in(&["schedule", verb, "nobody"]).await;
        assert_eq!(played.code, 1);
        assert!(
            played.err.contains("no schedule `nobody`"),
            "{}",
            played.err
        );
        assert!(played.err.contains("schedule ls"), "{}", played.err);
    }
}
