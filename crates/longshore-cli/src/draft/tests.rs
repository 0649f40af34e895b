//! Every flag lands in the spec; whatever is wrong is refused with its place and what to type.

use std::collections::BTreeMap;

use clap::Parser;
use longshore_core::spec::JobSpec;
use serde_json::{Value, json};

use super::{Draft, overlay, parse_file};
use crate::args::{Cli, Command, JobArgs};
use crate::surroundings::Surroundings;

fn around() -> Surroundings {
    let variables = BTreeMap::from([("MINE".to_owned(), "from here".to_owned())]);
    Surroundings {
        variables,
        folder: "/here".into(),
    }
}

fn args(words: &[&str]) -> JobArgs {
    let line = ["longshore", "submit"].iter().chain(words);
    let Command::Submit(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("it is submit");
    };
    args.job
}

fn checked(file: Option<&str>, words: &[&str]) -> (JobSpec, Vec<String>) {
    let mut draft = match file {
        Some(text) => parse_file("job.toml", text, "/files".as_ref())
            .unwrap()
            .remove(0),
        None => Draft::default(),
    };
    overlay(&mut draft, &args(words), &around());
    let checked = draft.check();
    (
        checked.spec,
        checked.problems.iter().map(ToString::to_string).collect(),
    )
}

fn spec(file: Option<&str>, words: &[&str]) -> Value {
    let (spec, problems) = checked(file, words);
    assert_eq!(problems, Vec::<String>::new());
    serde_json::to_value(spec).unwrap()
}

fn problems(words: &[&str]) -> Vec<String> {
    checked(None, words).1
}

#[test]
#[rustfmt::skip]
fn every_flag_of_docker_run_lands_in_the_spec() {
    let table: &[(&[&str], &str, Value)] = &[
        (&["--name", "nightly"], "/name", json!("nightly")),
        (&["-e", "A=1", "--env", "B=x=y"], "/env", json!({ "A": "1", "B": "x=y" })),
        (&["-e", "MINE", "-e", "UNSET"], "/env", json!({ "MINE": "from here" })),
        (&["--env-file", "vars"], "/env_file/0", json!("/here/vars")),
        (&["--env-template", "base"], "/env_template", json!("base")),
        (&["-m", "64m"], "/memory", json!("64m")),
        (&["--memory-swap", "-1"], "/memory_swap", json!("-1")),
        (&["--cpus", "0.5"], "/cpus", json!("0.5")),
        (&["--pids-limit=-1"], "/pids_limit", json!(-1)),
        (&["--shm-size", "1g"], "/shm_size", json!("1g")),
        (&["--ulimit", "nofile=10:20"], "/ulimits/0", json!("nofile=10:20")),
        (&["--network", "back", "--network-alias", "a", "--network-alias", "b"], "/networks", json!(["back:a,b"])),
        (&["--add-host", "db:10.0.0.5"], "/extra_hosts/0", json!("db:10.0.0.5")),
        (&["--dns", "9.9.9.9"], "/dns/0", json!("9.9.9.9")),
        (&["-v", "cache:/c:ro", "-v", "./x:/x"], "/volumes", json!(["cache:/c:ro", "/here/x:/x"])),
        (&["-v", "cache:/c", "--mount", "type=bind,source=/a,target=/b"], "/volumes", json!(["cache:/c", "/a:/b"])),
        (&["--mount", "type=tmpfs,target=/t"], "/tmpfs/0", json!("/t")),
        (&["--tmpfs", "/t:size=1m"], "/tmpfs/0", json!("/t:size=1m")),
        (&["--read-only"], "/read_only", json!(true)),
        (&["--storage-opt", "size=10g"], "/storage_opt/size", json!("10g")),
        (&["--cap-add", "net_admin", "--cap-drop", "ALL"], "/cap_add/0", json!("NET_ADMIN")),
        (&["--cap-drop", "ALL"], "/cap_drop/0", json!("ALL")),
        (&["--security-opt", "no-new-privileges"], "/security_opt/0", json!("no-new-privileges=true")),
        (&["--privileged"], "/privileged", json!(true)),
        (&["--init"], "/init", json!(true)),
        (&["--no-init"], "/init", json!(false)),
        (&["--gpus", "all"], "/gpus", json!("all")),
        (&["--platform", "linux/arm64"], "/platform", json!("linux/arm64")),
        (&["--pull", "never"], "/pull", json!("never")),
        (&["--stop-signal", "INT"], "/stop_signal", json!("SIGINT")),
        (&["--stop-timeout", "3"], "/timeouts/stop_grace", json!("3s")),
        (&["-l", "team=a", "--label", "b"], "/labels", json!({ "team": "a", "b": "" })),
        (&["--description", "text"], "/description", json!("text")),
        (&["--priority", "90"], "/priority", json!(90)),
        (&["--idempotency-key", "k"], "/idempotency_key", json!("k")),
        (&["--timeout", "10m"], "/timeouts/run", json!("10m")),
        (&["--timeout", "none"], "/timeouts/run", json!("none")),
        (&["--queue-timeout", "1h"], "/timeouts/queue", json!("1h")),
        (&["--pull-timeout", "5m"], "/timeouts/pull", json!("5m")),
        (&["--pull-idle-timeout", "9"], "/timeouts/pull_idle", json!("9s")),
        (&["--start-timeout", "9"], "/timeouts/start", json!("9s")),
        (&["--total-timeout", "2h"], "/timeouts/total", json!("2h")),
        (&["--log-limit", "10m"], "/log_limit", json!("10m")),
        (&["--host", "big"], "/host", json!("big")),
        (&["-u", "1000:1000"], "/user", json!("1000:1000")),
        (&["-w", "/work"], "/workdir", json!("/work")),
        (&["-h", "box"], "/hostname", json!("box")),
        (&["--hostname", "box"], "/hostname", json!("box")),
        (&["--entrypoint", "sh -c"], "/entrypoint", json!(["sh -c"])),
        (&["--entrypoint", ""], "/entrypoint", json!([])),
    ];
    check_table(table);
}

#[test]
#[rustfmt::skip]
fn every_flag_of_retries_lands_in_the_spec() {
    check_table(&[
        (&["--retries", "2"], "/retry/retries", json!(2)),
        (&["--infra-retries", "0"], "/retry/infra_retries", json!(0)),
        (&["--retry-strategy", "aggressive"], "/retry/strategy", json!("aggressive")),
        (&["--retry-on-exit", "75,111", "--retry-on-exit", "3"], "/retry/retry_on_exit", json!([75, 111, 3])),
        (&["--retry-on", "oom,75", "--retry-on", "run"], "/retry/retry_on", json!(["oom", "exit(75)", "run"])),
        (&["--never-retry-on", "3, lost"], "/retry/never_retry_on", json!(["exit(3)", "lost"])),
        (&["--retry-oom", "16g"], "/retry/oom_up_to", json!("16g")),
        (&["--lost", "replace:5m"], "/lost", json!("replace:5m")),
    ]);
}

/// What is typed, and what stands where in the spec.
fn check_table(table: &[(&[&str], &str, Value)]) {
    for (flags, pointer, wanted) in table {
        let words: Vec<&str> = flags.iter().copied().chain(["image"]).collect();
        assert_eq!(
            spec(None, &words).pointer(pointer),
            Some(wanted),
            "{flags:?}"
        );
    }
}

#[test]
fn everything_after_the_image_belongs_to_the_container() {
    let spec = spec(
        None,
        &[
            "-e", "A=1", "image", "sh", "-c", "x", "--name", "n", "--", "-e", "B=2",
        ],
    );
    assert_eq!(
        spec["command"],
        json!(["sh", "-c", "x", "--name", "n", "--", "-e", "B=2"])
    );
    assert_eq!(spec["env"], json!({ "A": "1" }));
    assert_eq!(spec.get("name"), None);
}

#[test]
fn the_last_of_repeated_flags_wins() {
    assert_eq!(
        spec(None, &["-m", "64m", "--memory", "32m", "image"])["memory"],
        "32m"
    );
}

#[test]
fn impossible_values_are_refused_by_flag_with_what_to_type() {
    let table: &[(&[&str], &[&str])] = &[
        (
            &["--memory", "3x", "i"],
            &["--memory: invalid size `3x`", "512m"],
        ),
        (&["--cpus", "-1", "i"], &["--cpus: invalid", "-1"]),
        (
            &["-e", "=x", "i"],
            &["--env: the name before `=` is missing", "NAME=VALUE"],
        ),
        (
            &["--timeout", "0", "i"],
            &["--timeout: invalid time limit `0`", "above zero"],
        ),
        (&[""], &["IMAGE: invalid image ``", "debian:13-slim"]),
        (&["Bad:ref:x"], &["IMAGE: invalid image"]),
        (&[], &["IMAGE: no image is named"]),
        (
            &["--retries", "many", "i"],
            &["--retries: `many` is no whole number"],
        ),
        (
            &["--network-alias", "a", "i"],
            &["--network-alias: an alias needs a network"],
        ),
        (
            &["--priority", "101", "i"],
            &["--priority: invalid priority `101`"],
        ),
        (
            &["--security-opt", "seccomp=/no/such", "i"],
            &["--security-opt: cannot read /no/such"],
        ),
    ];
    for (words, wanted) in table {
        let found = problems(words).join("\n");
        for part in *wanted {
            assert!(found.contains(part), "{words:?}: {found}");
        }
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(&["--memory", "3x", "--cpus", "-1", "-e", "=x", ""]);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn no_problem_repeats_the_value_of_a_variable() {
    let found = problems(&["-e", "=hunter2", "--memory", "3x", "i"]).join("\n");
    assert!(!found.contains("hunter2"), "{found}");
}

const FILE: &str = r#"image = "demo:1"
command = "sh -c 'echo hi'"
volumes = ["./in:/in:ro"]
env_file = ["vars"]

[env]
A = "file"
B = "file"

[timeouts]
run = "10m"

[retry]
retries = 2
"#;

#[test]
fn a_file_is_read_and_its_paths_begin_where_it_is() {
    let spec = spec(Some(FILE), &[]);
    assert_eq!(spec["command"], json!(["sh", "-c", "echo hi"]));
    assert_eq!(spec["volumes"], json!(["/files/in:/in:ro"]));
    assert_eq!(spec["env_file"], json!(["/files/vars"]));
    assert_eq!(spec["timeouts"]["run"], "10m");
}

#[test]
fn flags_override_the_file_and_variables_are_merged_by_name() {
    let flags = [
        "-e",
        "A=flag",
        "--timeout",
        "5m",
        "-v",
        "cache:/c",
        "other:2",
        "true",
    ];
    let spec = spec(Some(FILE), &flags);
    assert_eq!(spec["env"], json!({ "A": "flag", "B": "file" }));
    assert_eq!(spec["timeouts"]["run"], "5m");
    assert_eq!(spec["retry"]["retries"], 2);
    assert_eq!(spec["volumes"], json!(["cache:/c"]));
    assert_eq!(
        (&spec["image"], &spec["command"]),
        (&json!("other:2"), &json!(["true"]))
    );
}

#[test]
fn problems_of_a_file_name_line_and_key() {
    let text = "image = \"demo\"\nmemroy = \"1g\"\ncpus = -1\n[timeouts]\nrum = \"1m\"\n";
    let (_, found) = checked(Some(text), &[]);
    assert_eq!(
        found[0],
        "job.toml:2: unknown key `memroy`: did you mean `memory`?"
    );
    assert!(found[1].starts_with("job.toml:3: cpus: "), "{found:?}");
    assert_eq!(
        found[2],
        "job.toml:5: unknown key `timeouts.rum`: did you mean `timeouts.run`?"
    );
}

#[test]
fn broken_toml_is_refused_with_its_line() {
    let problem = parse_file("job.toml", "image = \"a\"\nname = \n", "/".as_ref()).unwrap_err();
    assert!(problem.to_string().starts_with("job.toml:2: "), "{problem}");
}

#[test]
fn a_file_may_hold_many_jobs() {
    let text = "[[job]]\nimage = \"a\"\n\n[[job]]\nimage = \"b\"\nmemroy = 1\n";
    let drafts = parse_file("jobs.toml", text, "/".as_ref()).unwrap();
    let problems: Vec<_> = drafts
        .into_iter()
        .flat_map(|draft| draft.check().problems)
        .collect();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0]
            .to_string()
            .starts_with("jobs.toml:6: unknown key `memroy`")
    );
}

#[test]
fn keys_beside_a_list_of_jobs_are_refused() {
    let text = "name = \"x\"\n[[job]]\nimage = \"a\"\n";
    let problem = parse_file("jobs.toml", text, "/".as_ref()).unwrap_err();
    assert!(
        problem
            .to_string()
            .starts_with("jobs.toml:1: `name` stands outside"),
        "{problem}"
    );
}

#[test]
fn json_is_read_like_toml() {
    let text = r#"{ "job": [{ "image": "a", "cpus": 2 },
        { "image": "b", "memroy": "1g" }] }"#;
    let drafts = parse_file("-", text, "/".as_ref()).unwrap();
    let checked: Vec<_> = drafts.into_iter().map(Draft::check).collect();
    assert_eq!(serde_json::to_value(&checked[0].spec).unwrap()["cpus"], "2");
    let problem = checked[1].problems[0].to_string();
    assert_eq!(problem, "-:2: unknown key `memroy`: did you mean `memory`?");
}
