//! `jobs`, `inspect`, `logs`, `wait`, `events`: what comes out of the store.

use jiff::{SignedDuration, Timestamp};
use longshore_store::Fenced;
use serde_json::Value;

use super::queueing::claim;
use super::stage::Stage;

async fn with_two_jobs() -> Stage {
    let stage = Stage::new();
    stage
        .type_in(&[
            "run",
            "--name",
            "first",
            "-e",
            "TOKEN=hunter2",
            "demo",
            "out=a",
        ])
        .await;
    stage
        .type_in(&[
            "run", "--name", "second", "-l", "team=x", "demo", "err=b", "exit=7",
        ])
        .await;
    stage
}

#[tokio::test]
async fn the_table_shows_status_and_reason_newest_first() {
    let table = with_two_jobs().await.type_in(&["jobs"]).await.out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ID"), "{table}");
    for part in ["second", "demo", "failed exit(7)", "local"] {
        assert!(lines[1].contains(part), "{table}");
    }
    assert!(lines[2].contains("completed"), "{table}");
    assert_eq!(lines.len(), 3);
}

#[tokio::test]
async fn jobs_are_found_by_status_name_and_label() {
    let stage = with_two_jobs().await;
    for filter in [
        ["--status", "failed"],
        ["--name", "second"],
        ["--label", "team=x"],
        ["-n", "1"],
    ] {
        let words = [&["jobs", "-q"], &filter[..]].concat();
        let ids = stage.type_in(&words).await.out;
        assert_eq!(ids.trim(), stage.newest().await.id.short(), "{filter:?}");
    }
}

#[tokio::test]
async fn what_a_silent_host_leaves_unknown_stands_beside_its_jobs_and_itself() {
    let stage = Stage::new();
    stage.type_in(&["submit", "demo"]).await;
    let attempt = claim(&stage, &stage.newest().await.id.to_string()).await;
    let quiet = stage.type_in(&["jobs"]).await.out + &stage.type_in(&["hosts", "list"]).await.out;
    assert!(!quiet.contains("unknown"), "{quiet}");
    let since = Timestamp::now() - SignedDuration::from_mins(3);
    let fenced = Fenced::from(&attempt);
    let store = stage.store().await;
    store
        .unknown_since(fenced, Some(since), since)
        .await
        .unwrap();

    let jobs = stage.type_in(&["jobs"]).await.out;
    assert!(jobs.contains("launching, unknown since 3m ago"), "{jobs}");
    let hosts = stage.type_in(&["hosts", "list"]).await.out;
    assert!(
        hosts.contains("active, 1 attempt unknown since 3m ago"),
        "{hosts}"
    );
    for line in ["jobs", "hosts list", "inspect -"] {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let found: Value = serde_json::from_str(&stage.type_in(&words).await.out).unwrap();
        let told: Timestamp = found[0]["unknown_since"].as_str().unwrap().parse().unwrap();
        assert_eq!(told, since, "{line}");
    }
}

#[tokio::test]
async fn json_is_an_array_with_stable_keys() {
    let stage = with_two_jobs().await;
    let jobs: Value = serde_json::from_str(&stage.type_in(&["jobs", "--json"]).await.out).unwrap();
    assert_eq!(jobs[0]["schema"], 1);
    assert_eq!(jobs[0]["status"], "failed");
    assert_eq!(jobs[0]["reason"], "exit(7)");
    assert_eq!(jobs[0]["exit_code"], 7);
    assert_eq!(jobs[1]["reason"], Value::Null);
}

#[tokio::test]
async fn inspect_shows_the_attempt_and_hides_values() {
    let stage = with_two_jobs().await;
    let text = stage.type_in(&["inspect", "first"]).await.out;
    assert!(!text.contains("hunter2"), "{text}");
    let jobs: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(jobs[0]["spec"]["env"]["TOKEN"], "***");
    assert_eq!(jobs[0]["attempts"][0]["verdict"]["provenance"], "event");
    assert_eq!(jobs[0]["attempts"][0]["host"], "local");
    assert!(
        jobs[0]["attempts"][0]["durations_secs"]["run"].is_number(),
        "{text}"
    );
}

#[tokio::test]
async fn logs_keep_the_streams_apart() {
    let stage = Stage::new();
    stage
        .type_in(&["run", "demo", "out=a", "err=b", "out=c"])
        .await;
    let both = stage.type_in(&["logs", "-"]).await;
    assert_eq!((both.out.as_str(), both.err.as_str()), ("a\nc\n", "b\n"));
    assert_eq!(
        stage
            .type_in(&["logs", "--tail", "1", "--stdout", "-"])
            .await
            .out,
        "c\n"
    );
    assert_eq!(stage.type_in(&["logs", "--stderr", "-"]).await.out, "");
    assert_eq!(stage.type_in(&["logs", "-f", "-"]).await.out, "a\nc\n");
}

#[tokio::test]
async fn logs_as_json_name_stream_and_text() {
    let stage = with_two_jobs().await;
    let line = stage.type_in(&["logs", "--json", "second"]).await.out;
    let frame: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(
        (&frame["stream"], &frame["text"]),
        (&"stderr".into(), &"b\n".into())
    );
}

#[tokio::test]
async fn an_attempt_that_never_was_is_refused() {
    let played = with_two_jobs()
        .await
        .type_in(&["logs", "--attempt", "4", "-"])
        .await;
    assert_eq!(played.code, 1);
    assert!(played.err.contains("attempts are 1 to 1"), "{}", played.err);
}

#[tokio::test]
async fn wait_ends_with_the_first_code_that_is_no_success() {
    let stage = with_two_jobs().await;
    let played = stage.type_in(&["wait", "first", "second"]).await;
    assert_eq!(played.code, 7);
    let second = stage.newest().await.id.short();
    assert!(
        played.out.contains(&format!("{second} failed exit(7) 7")),
        "{}",
        played.out
    );
    assert_eq!(
        stage
            .type_in(&["wait", "--any", "first", "second"])
            .await
            .code,
        0
    );
}

#[tokio::test]
async fn a_wait_that_takes_too_long_is_124() {
    let stage = Stage::new();
    stage.type_in(&["submit", "demo"]).await;
    let played = stage.type_in(&["wait", "--timeout", "0.05", "-"]).await;
    assert_eq!((played.code, played.out.as_str()), (124, ""));
}

#[tokio::test]
async fn the_timeline_tells_a_jobs_life_in_order() {
    let stage = with_two_jobs().await;
    let timeline = stage.type_in(&["events", "second"]).await.out;
    let words = [
        "submitted",
        "queued",
        "claimed",
        "started",
        "exited",
        "finished",
        "removed",
    ];
    let places: Vec<_> = words.iter().map(|word| timeline.find(word)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{timeline}"
    );
    assert!(
        timeline
            .lines()
            .all(|line| line.trim_start().starts_with('+')),
        "{timeline}"
    );
    assert_eq!(
        stage.type_in(&["events", "-f", "second"]).await.out,
        timeline
    );
}

#[tokio::test]
async fn an_unknown_job_is_answered_with_what_to_type() {
    let played = Stage::new().type_in(&["inspect", "nope"]).await;
    assert_eq!(played.code, 1);
    assert!(played.err.contains("`longshore jobs`"), "{}", played.err);
}

#[tokio::test]
async fn exit_codes_are_explained() {
    let played = Stage::new().type_in(&["help", "exit-codes"]).await;
    assert!(
        ["124", "125", "126", "127", "130"]
            .iter()
            .all(|code| played.out.contains(code))
    );
    assert_eq!(Stage::new().type_in(&["help", "nothing"]).await.code, 2);
}
