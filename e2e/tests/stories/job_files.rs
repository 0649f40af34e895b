//! Jobs in files, environment templates and the schema.

use std::fs;

use longshore_e2e::drill::Drill;
use serde_json::Value;

use crate::{newest, pool, standing, work_off};

/// Uses a key of every kind: text, number, list, table.
const SAMPLE: &str = r#"
image = "demo-image"
command = ["sh", "-c", "echo $GREETING from $PWD as $(id -u); exit 3"]
name = "sample"
priority = 70
memory = "64m"
cpus = 0.5
workdir = "/tmp"
user = "1000:1000"
tmpfs = ["/scratch:size=1m"]

[env]
GREETING = "hello"

[labels]
team = "harbour"

[timeouts]
run = "1m"

[retry]
retries = 0
"#;

/// Writes a file into the pool's folder and returns its path.
fn file(pool: &Drill, name: &str, text: &str) -> String {
    let path = pool.folder().join(name);
    fs::write(&path, text).expect("a folder of our own");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_job_in_a_file_runs() {
    let pool = pool();
    let file = file(&pool, "job.toml", SAMPLE);
    let done = pool.call(&["run", "-f", &file]);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (3, "hello from /tmp as 1000\n"),
        "{done:?}"
    );
    let job = pool.job("sample");
    assert_eq!(job["priority"], 70);
    assert_eq!(job["labels"]["team"], "harbour");
}

#[test]
fn flags_lie_over_the_file() {
    let pool = pool();
    let file = file(&pool, "job.toml", SAMPLE);
    let done = pool.call(&["run", "-f", &file, "-e", "GREETING=bye", "-w", "/"]);
    assert_eq!(done.stdout, "bye from / as 1000\n", "{done:?}");
}

#[test]
fn a_file_comes_through_standard_input_too() {
    let pool = pool();
    let path = file(&pool, "job.toml", SAMPLE);
    let stdin = fs::File::open(path).expect("a file of ours");
    let mut command = pool.command(&["run", "-f", "-"]);
    let output = command.stdin(stdin).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_file_with_many_jobs_stores_them_all_in_order() {
    let pool = pool();
    let text = r#"
[[job]]
image = "demo-image"
command = ["echo", "one"]
name = "one"
[[job]]
image = "demo-image"
command = "echo two"
name = "two"
"#;
    let jobs = file(&pool, "jobs.toml", text);
    let ids = pool.ok(&["submit", "-f", &jobs]);
    work_off(&pool);
    let said: Vec<String> = ids.lines().map(|id| pool.log(id)).collect();
    assert_eq!(said, ["one\n", "two\n"]);
    let run = pool.call(&["run", "-f", &jobs]);
    assert_eq!(run.code, 125, "{run:?}");
    assert!(run.stderr.contains("submit"), "{run:?}");
}

#[test]
fn json_files_are_read_as_well() {
    let pool = pool();
    let text = r#"{"image": "demo-image", "command": ["echo", "json"]}"#;
    let file = file(&pool, "job.json", text);
    assert_eq!(pool.call(&["run", "-f", &file]).stdout, "json\n");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one_and_its_line() {
    let pool = pool();
    let text = "image = \"demo-image\"\nmemroy = \"64m\"\n";
    let file = file(&pool, "job.toml", text);
    let done = pool.call(&["submit", "-f", &file]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("did you mean `memory`?"), "{done:?}");
    assert!(done.stderr.contains("job.toml:2"), "{done:?}");
    assert_eq!(pool.ok(&["--json", "jobs"]), "[]");
}

#[test]
fn one_wrong_job_in_a_file_stores_none() {
    let pool = pool();
    let text = "[[job]]\nimage = \"demo-image\"\n[[job]]\nimage = \"demo-image\"\ncpus = -1\n";
    let file = file(&pool, "jobs.toml", text);
    let done = pool.call(&["submit", "-f", &file]);
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(pool.ok(&["--json", "jobs"]), "[]");
}

#[test]
fn a_template_lies_below_env_files_and_those_below_flags() {
    let pool = pool();
    let template = file(
        &pool,
        "template",
        "A=template\nB=template\nC=template\n# no\n",
    );
    let env_file = file(&pool, "env", "B=file\nC=file\n");
    pool.ok(&["templates", "set", "base", &template]);
    let flags = [
        "--env-template",
        "base",
        "--env-file",
        &env_file,
        "-e",
        "C=flag",
    ];
    let done = pool.run(&flags, "echo $A $B $C");
    assert_eq!(done.stdout, "template file flag\n", "{done:?}");
}

#[test]
fn a_job_keeps_the_template_that_it_was_submitted_with() {
    let pool = pool();
    let template = file(&pool, "template", "A=before\n");
    pool.ok(&["templates", "set", "base", &template]);
    let id = pool.submit(&["--env-template", "base"], "echo $A");
    let template = file(&pool, "template", "A=after\n");
    pool.ok(&["templates", "set", "base", &template]);
    work_off(&pool);
    assert_eq!(pool.log(&id), "before\n");
}

#[test]
fn a_template_that_is_not_there_is_refused() {
    let pool = pool();
    let done = pool.run(&["--env-template", "bsae"], "true");
    assert_eq!(done.code, 125, "{done:?}");
    assert!(done.stderr.contains("no template `bsae`"), "{done:?}");
}

#[test]
fn values_of_variables_are_never_shown() {
    let pool = pool();
    let template = file(&pool, "template", "TOKEN=from-the-template\n");
    pool.ok(&["templates", "set", "base", &template]);
    let flags = ["--env-template", "base", "-e", "PASSWORD=from-the-flag"];
    assert_eq!(pool.run(&flags, "exit 1").code, 1);
    let shown = [
        pool.ok(&["inspect", "-"]),
        pool.ok(&["--json", "jobs"]),
        pool.ok(&["--json", "events", "-"]),
        pool.ok(&["templates", "show", "base"]),
    ];
    for text in shown {
        assert!(!text.contains("from-the"), "{text}");
    }
    assert_eq!(newest(&pool)["spec"]["env"]["PASSWORD"], "***");
}

#[test]
fn the_schema_knows_every_key_of_the_sample() {
    let pool = pool();
    let schema: Value = serde_json::from_str(&pool.ok(&["schema"])).expect("JSON");
    let known = &schema["$defs"]["Job"]["properties"];
    let sample: toml::Table = SAMPLE.parse().expect("TOML");
    for key in sample.keys() {
        assert!(known[key].is_object(), "{key}");
    }
    assert!(known["memroy"].is_null());
}

#[test]
fn the_job_of_a_file_and_that_of_flags_are_the_same() {
    let pool = pool();
    let by_file = file(
        &pool,
        "job.toml",
        "image = \"demo-image\"\ncommand = [\"true\"]\n[timeouts]\nrun = \"5m\"\n",
    );
    let one = pool.ok(&["submit", "-f", &by_file]);
    let two = pool.ok(&["submit", "--timeout", "5m", "demo-image", "true"]);
    assert_eq!(pool.job(&one)["spec"], pool.job(&two)["spec"]);
    assert_eq!(standing(&pool.job(&one)), "queued");
}
