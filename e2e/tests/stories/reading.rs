//! `logs`, `jobs` and `events`: what is kept, and the ways to look at it.

use longshore_e2e::drill::Drill;
use longshore_testkit::DEMO_IMAGE;
use serde_json::Value;

use crate::{newest, pool, work_off};

/// A job that has written two lines on one stream, one on the other, a while apart.
fn pool_with_log() -> Drill {
    let pool = pool();
    let done = pool.run(
        &[],
        "echo old; usleep 300000; echo err >&2; usleep 300000; echo new",
    );
    assert_eq!(done.code, 0, "{done:?}");
    pool
}

/// Each line of JSON.
#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect()
}

#[test]
fn logs_show_one_stream_when_asked() {
    let pool = pool_with_log();
    let out = pool.call(&["logs", "--stdout", "-"]);
    assert_eq!(
        (out.stdout.as_str(), out.stderr.as_str()),
        ("old\nnew\n", "")
    );
    let err = pool.call(&["logs", "--stderr", "-"]);
    assert_eq!((err.stdout.as_str(), err.stderr.as_str()), ("", "err\n"));
}

#[test]
fn the_tail_of_a_log_counts_lines() {
    let pool = pool_with_log();
    assert_eq!(pool.ok(&["logs", "--tail", "1", "-"]), "new");
    let two = pool.call(&["logs", "--tail", "2", "-"]);
    assert_eq!(
        (two.stdout.as_str(), two.stderr.as_str()),
        ("new\n", "err\n")
    );
    assert_eq!(pool.ok(&["logs", "--tail", "9", "-"]), "old\nnew");
}

#[test]
fn a_log_since_a_moment_leaves_out_what_is_older() {
    let pool = pool_with_log();
    let frames = objects(&pool.ok(&["--json", "logs", "-"]));
    let moment = frames[1]["at"].as_str().expect("a moment");
    let since = pool.call(&["logs", "--since", moment, "-"]);
    assert_eq!(
        (since.stdout.as_str(), since.stderr.as_str()),
        ("new\n", "err\n")
    );
    assert_eq!(pool.ok(&["logs", "--since", "1h", "-"]), "old\nnew");
    assert_eq!(
        pool.ok(&["logs", "--since", "2100-01-01T00:00:00Z", "-"]),
        ""
    );
}

#[test]
fn time_stamps_stand_before_each_line() {
    let pool = pool_with_log();
    let stamped = pool.ok(&["logs", "-t", "-"]);
    let lines: Vec<(&str, &str)> = stamped
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let texts: Vec<&str> = lines.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["old", "new"]);
    let moments: Vec<jiff::Timestamp> = lines
        .iter()
        .map(|(moment, _)| moment.parse().expect("a moment"))
        .collect();
    let apart = moments[1].duration_since(moments[0]);
    assert!(apart.as_millis() >= 500, "{apart:?}");
}

#[test]
fn a_log_as_json_names_stream_moment_and_text() {
    let pool = pool_with_log();
    let frames = objects(&pool.ok(&["--json", "logs", "-"]));
    let seen: Vec<(&str, &str)> = frames
        .iter()
        .map(|frame| {
            let word = |key: &str| frame[key].as_str().expect("a text");
            (word("stream"), word("text"))
        })
        .collect();
    let wanted = [
        ("stdout", "old\n"),
        ("stderr", "err\n"),
        ("stdout", "new\n"),
    ];
    assert_eq!(seen, wanted);
}

#[test]
fn the_log_of_a_job_that_waits_is_empty() {
    let pool = pool();
    pool.submit(&[], "true");
    let done = pool.call(&["logs", "-"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""));
    assert!(done.stderr.contains("queued"), "{done:?}");
}

#[test]
fn jobs_are_listed_by_status_name_label_and_number() {
    let pool = pool();
    let good = pool.submit(&["--name", "good", "-l", "team=a"], "true");
    let bad = pool.submit(&["--name", "bad", "-l", "team=b"], "false");
    work_off(&pool);
    let waits = pool.submit(&["-l", "team=a"], "true");
    let listed = |filter: &[&str]| {
        let args = [&["jobs", "-q", "--no-trunc"][..], filter].concat();
        let text = pool.ok(&args);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), [&*waits, &*bad, &*good]);
    assert_eq!(listed(&["--status", "failed"]), [&*bad]);
    assert_eq!(listed(&["--status", "failed,completed"]), [&*bad, &*good]);
    assert_eq!(listed(&["--name", "good"]), [&*good]);
    assert_eq!(listed(&["-l", "team=a"]), [&*waits, &*good]);
    assert_eq!(listed(&["-n", "1"]), [&*waits]);
    let table = pool.ok(&["jobs"]);
    for word in ["good", "failed exit(1)", "queued", "demo-image"] {
        assert!(table.contains(word), "{table}");
    }
    let unknown = pool.call(&["jobs", "--status", "finished"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("completed"), "{unknown:?}");
}

#[test]
fn jobs_as_json_have_what_the_table_has() {
    let pool = pool();
    let id = pool.submit(&["--name", "night"], "true");
    let jobs: Value = serde_json::from_str(&pool.ok(&["--json", "jobs"])).expect("JSON");
    assert_eq!(jobs[0]["schema"], 1);
    assert_eq!(jobs[0]["id"], Value::from(id));
    assert_eq!(jobs[0]["name"], "night");
    assert_eq!(jobs[0]["image"], DEMO_IMAGE);
    assert_eq!(jobs[0]["status"], "queued");
}

#[test]
fn events_tell_a_jobs_life_in_order() {
    let pool = pool();
    assert_eq!(pool.run(&[], "exit 5").code, 5);
    let kinds = pool.events("-");
    let wanted = [
        "submitted",
        "queued",
        "claimed",
        "image_ready",
        "created",
        "started",
        "exited",
        "log_complete",
        "attempt_ended",
        "finished",
        "removed",
    ];
    assert_eq!(kinds, wanted);
    let text = pool.ok(&["events", "-"]);
    assert!(text.contains("failed exit(5)"), "{text}");
}

#[test]
fn events_of_all_jobs_name_their_jobs() {
    let pool = pool();
    let one = pool.submit(&[], "true");
    let two = pool.submit(&[], "true");
    let text = pool.ok(&["events"]);
    for id in [one, two] {
        assert!(text.contains(&id[id.len() - 12..]), "{text}");
    }
}

#[test]
fn inspect_has_the_times_and_the_usage_of_an_attempt() {
    let pool = pool();
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; usleep 1500000";
    assert_eq!(pool.run(&[], script).code, 0);
    let attempt = newest(&pool)["attempts"][0].clone();
    let run = attempt["durations_secs"]["run"].as_f64().expect("a number");
    assert!((1.5..60.0).contains(&run), "{attempt:#}");
    let usage = &attempt["usage"];
    assert!(usage.is_object(), "{attempt:#}");
    let provenance = &attempt["verdict"]["provenance"];
    assert!(["event", "inspect", "wait"].contains(&provenance.as_str().expect("a word")));
}
