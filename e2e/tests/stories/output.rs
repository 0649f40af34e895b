//! Every byte of a job's output, in order, on its own stream.

use std::fmt::Write as _;

use longshore_e2e::drill::{Done, Drill};

use crate::{check_nothing_is_left, pool};

/// The output of `run`, and the same kept in the log.
#[track_caller]
fn run(pool: &Drill, script: &str) -> Done {
    let done = pool.run(&[], script);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let kept = pool.call(&["logs", "-"]);
    assert!(kept.stdout_bytes == done.stdout_bytes, "stdout differs");
    assert!(kept.stderr_bytes == done.stderr_bytes, "stderr differs");
    done
}

#[test]
fn two_hundred_short_jobs_lose_no_byte() {
    let pool = pool();
    let mut text = String::new();
    for number in 0..200 {
        let job =
            format!("[[job]]\nimage = \"demo-image\"\ncommand = [\"printf\", \"x{number}\"]\n\n");
        text.push_str(&job);
    }
    let file = pool.folder().join("jobs.toml");
    std::fs::write(&file, text).expect("a folder of our own");
    let ids = pool.ok(&["submit", "-f", &file.to_string_lossy()]);
    let worker = pool.spawn(&["worker", "--exit-when-empty"]);
    let worker = worker.done_within(std::time::Duration::from_secs(150));
    assert_eq!(worker.code, 0, "{worker:?}");
    let mut wrong = String::new();
    for (number, id) in ids.lines().enumerate() {
        let log = pool.log(id);
        if log != format!("x{number}") {
            let _ = writeln!(wrong, "{id}: {log:?}");
        }
    }
    assert_eq!(ids.lines().count(), 200);
    assert_eq!(wrong, "");
    check_nothing_is_left(&pool);
}

#[test]
fn binary_output_is_exact() {
    let pool = pool();
    let all = r"all=$(i=0; while [ $i -lt 256 ]; do printf '\\%03o' $i; i=$((i+1)); done)";
    let script =
        format!("{all}; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do printf \"$all\"; done");
    let done = run(&pool, &script);
    let one_round: Vec<u8> = (0..=255).collect();
    assert!(
        done.stdout_bytes == one_round.repeat(16),
        "{} bytes",
        done.stdout_bytes.len()
    );
}

#[test]
fn twenty_megabytes_on_both_streams_come_in_order() {
    let pool = pool();
    let script = r#"awk 'BEGIN { for (i = 0; i < 100000; i++) {
        printf "o%098d\n", i; printf "e%098d\n", i > "/dev/stderr" } }'"#;
    let done = run(&pool, script);
    for (begin, bytes) in [('o', &done.stdout_bytes), ('e', &done.stderr_bytes)] {
        let mut wanted = String::with_capacity(10_000_000);
        for number in 0..100_000 {
            let _ = writeln!(wanted, "{begin}{number:098}");
        }
        assert_eq!(bytes.len(), wanted.len(), "stream {begin}");
        assert!(*bytes == wanted.as_bytes(), "stream {begin} differs");
    }
}

#[test]
fn a_line_of_64_kib_stays_one_line() {
    let pool = pool();
    let done = run(
        &pool,
        "head -c 65536 /dev/zero | tr '\\0' a; echo; echo end",
    );
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].len(), lines[1]), (65536, "end"));
    assert!(lines[0].bytes().all(|byte| byte == b'a'));
}

#[test]
fn a_last_line_without_newline_is_kept() {
    let pool = pool();
    let done = run(&pool, "echo whole; printf part; printf part >&2");
    assert_eq!(
        (done.stdout.as_str(), done.stderr.as_str()),
        ("whole\npart", "part")
    );
}

#[test]
fn a_log_beyond_its_limit_keeps_head_and_tail_and_says_what_is_missing() {
    let pool = pool();
    let script = "echo first; yes 0123456789 | head -n 200000; echo last";
    let done = pool.run(&["--log-limit", "256k"], script);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let kept = pool.call(&["logs", "-"]);
    assert!(kept.stdout.starts_with("first\n"));
    assert!(kept.stdout.ends_with("last\n"));
    assert!(kept.stdout.len() < 600_000, "{}", kept.stdout.len());
    assert!(kept.stderr.contains("longshore:"), "{}", kept.stderr);
}
