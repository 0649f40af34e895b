//! `run`: streams, code, environment, limits, and what stays afterwards.

use crate::{check_nothing_is_left, newest, pool, standing, work_off};

#[test]
fn streams_stay_apart_and_the_code_is_the_containers_own() {
    let pool = pool();
    let script = "echo out; echo err >&2; exit 7";
    let limits = ["--rm", "-m", "64m", "--cpus", "0.5", "-e", "A=1"];
    let done = pool.run(&limits, script);
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr.as_str()),
        (7, "out\n", "err\n")
    );
    check_nothing_is_left(&pool);

    let logs = pool.call(&["logs", "-"]);
    assert_eq!(
        (logs.stdout.as_str(), logs.stderr.as_str()),
        ("out\n", "err\n")
    );
    let job = newest(&pool);
    assert_eq!(standing(&job), "failed exit(7)");
    assert_eq!(job["exit_code"], 7);
}

#[test]
fn variables_reach_the_container_exactly() {
    let pool = pool();
    let flags = ["-e", "A=1", "-e", "B=two words = \"x\" $HOME", "-e", "C="];
    let done = pool.run(&flags, r#"printf '%s|' "$A" "$B" "${C-unset}""#);
    assert_eq!(done.stdout, "1|two words = \"x\" $HOME||");
}

#[test]
fn a_variable_by_name_alone_is_the_callers_own() {
    let pool = pool();
    let args = [
        "run",
        "-e",
        "MINE",
        "-e",
        "NOBODYS",
        "demo-image",
        "sh",
        "-c",
        "echo $MINE ${NOBODYS-unset}",
    ];
    let output = pool.command(&args).env("MINE", "yes").output();
    let output = output.expect("the binary runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "yes unset\n");
}

#[test]
fn a_detached_run_is_stored_and_a_worker_moves_it() {
    let pool = pool();
    let done = pool.run(&["-d"], "echo moved");
    assert_eq!(done.code, 0, "{done:?}");
    let id = done.stdout.trim_end();
    assert_eq!(pool.job(id)["status"], "queued");
    assert!(done.stderr.contains("longshore worker"), "{done:?}");
    work_off(&pool);
    assert_eq!(pool.job(id)["status"], "completed");
    assert_eq!(pool.log(id), "moved\n");
}

#[test]
fn quiet_says_nothing_but_what_was_asked_for() {
    let pool = pool();
    let args = ["--quiet", "run", "-d", "demo-image", "true"];
    let done = pool.call(&args);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert_eq!(done.stdout.lines().count(), 1);
}

#[test]
fn a_single_string_is_split_as_a_shell_would() {
    let pool = pool();
    let file = pool.folder().join("job.toml");
    let text = "image = \"demo-image\"\ncommand = \"printf '%s|' 'one word' two\"\n";
    std::fs::write(&file, text).expect("a folder of our own");
    let done = pool.call(&["run", "-f", &file.to_string_lossy()]);
    assert_eq!(done.stdout, "one word|two|", "{done:?}");
}

/// Nothing kills a first process from inside: it is the small init's child.
#[test]
fn a_program_that_kills_itself_is_137() {
    let pool = pool();
    let done = pool.run(&[], "kill -9 $$");
    assert_eq!(done.code, 137, "{done:?}");
    assert_eq!(standing(&newest(&pool)), "failed exit(137)");
}
