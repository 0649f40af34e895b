//! The rules between fields and those of the policy: each refused with its field, all of them found.

use longshore_core::policy::Policy;
use longshore_core::spec::{Command, JobSpec, SpecErrors};

fn file(lines: &str) -> JobSpec {
    toml::from_str(&format!("image = 'app'\n{lines}")).unwrap_or_else(|error| panic!("{error}"))
}

fn open_policy() -> Policy {
    Policy {
        allow_bind: vec!["/srv/shared/".into(), "/data".into()],
        allow_privileged: true,
        allow_host_network: true,
        ..Policy::default()
    }
}

/// Exactly one problem, with this field and these words.
fn refused(spec: &JobSpec, policy: &Policy, field: &str, words: &str) {
    let errors: SpecErrors = spec.validate(policy).expect_err(words);
    let found: Vec<_> = errors.iter().collect();
    assert_eq!(found.len(), 1, "{errors}");
    assert_eq!(found[0].field, field, "{errors}");
    assert!(
        found[0].to_string().contains(words),
        "{errors} lacks {words:?}"
    );
    assert!(!found[0].remedy.is_empty(), "{errors}");
}

#[test]
fn a_bare_job_is_allowed_everywhere() {
    assert_eq!(file("").validate(&Policy::default()), Ok(()));
}

#[test]
fn what_no_policy_can_allow_is_refused() {
    let table = [
        "memory = '5m' => memory: use at least 6m",
        "memory = 0 => memory: use at least 6m",
        "memory = '64m'\nmemory_swap = '32m' => memory_swap: less than memory, 64m",
        "memory_swap = '256m' => memory_swap: less than memory, 512m",
        "shm_size = 0 => shm_size: it is zero",
        "storage_opt = {size = 0} => storage_opt.size: it is zero",
        "log_limit = 0 => log_limit: it is zero",
        "ulimits = ['core=0', 'core=1'] => ulimits: core is named twice",
        "timeouts = {queue = '2h', total = '1h'} => timeouts.total: less than timeouts.queue",
        "timeouts = {run = '2h', total = '1h'} => timeouts.total: less than timeouts.run",
        "timeouts = {pull = '2h', total = '1h'} => timeouts.total: less than timeouts.pull",
        "timeouts = {pull_idle = '2h', pull = '1h'} => timeouts.pull: timeouts.pull_idle",
        "retry = {retries = 101} => retry.retries: use 0 to 100",
        "retry = {infra_retries = 101} => retry.infra_retries: use 0 to 100",
        "retry = {retry_on_exit = [0]} => retry.retry_on_exit: codes from 1 to 255",
        "retry = {retry_on_exit = [256]} => retry.retry_on_exit: codes from 1 to 255",
        "retry = {retry_on = ['oom', 'lost']} => retry.retry_on: lost is no failure of the job",
        "retry = {retries = 1, oom_up_to = '512m'} => retry.oom_up_to: no more than memory, 512m",
        "retry = {oom_up_to = '1g'} => retry.oom_up_to: set retries",
        "networks = ['back', 'back'] => networks: back is named twice",
        "networks = ['host', 'back'] => networks: host cannot be combined",
        "networks = ['none', 'back'] => networks: none cannot be combined",
        "networks = ['none:me'] => networks: none knows no aliases",
        "networks = ['host:me'] => networks: host knows no aliases",
        "networks = ['bridge:me'] => networks: bridge knows no aliases",
        "volumes = ['aa:/x', 'bb:/x/'] => volumes: share the target /x",
        "volumes = ['aa:/x']\ntmpfs = ['/x'] => tmpfs: share the target /x",
        "workdir = 'work' => workdir: no absolute path",
        "workdir = '' => workdir: no absolute path",
        "workdir = \"/a\\u0000\" => workdir: NUL",
        "command = [\"a\", \"b\\u0000\"] => command: argument 2 contains a NUL byte",
        "entrypoint = [\"a\\u0000\"] => entrypoint: argument 1 contains a NUL byte",
        "entrypoint = [''] => entrypoint: the program is empty",
        "env = {A = \"secret\\u0000\"} => env: the value of A contains a NUL byte",
        "labels = {a = \"\\u0000\"} => labels: the value of a contains a NUL byte",
        "description = \"\\u0000\" => description: NUL",
        "env_template = ' ' => env_template: printable characters",
        "host = \"a\\nb\" => host: printable characters",
        "env_file = [''] => env_file: a path is empty",
    ];
    for row in table {
        let (lines, error) = row.split_once(" => ").unwrap();
        let (field, words) = error.split_once(": ").unwrap();
        refused(&file(lines), &open_policy(), field, words);
    }
}

#[test]
fn what_the_default_policy_forbids_another_one_may_allow() {
    let table = [
        ("privileged = true", "privileged"),
        ("cap_add = ['NET_ADMIN']", "cap_add"),
        ("cap_add = ['ALL']", "cap_add"),
        ("security_opt = ['seccomp=unconfined']", "security_opt"),
        ("security_opt = ['apparmor=unconfined']", "security_opt"),
        ("security_opt = ['label=disable']", "security_opt"),
        ("security_opt = ['no-new-privileges=false']", "security_opt"),
        ("security_opt = ['systempaths=unconfined']", "security_opt"),
        ("networks = ['host']", "networks"),
        ("volumes = ['/srv/shared:/x']", "volumes"),
        ("volumes = ['/data/in:/x:ro']", "volumes"),
    ];
    for (lines, field) in table {
        refused(
            &file(lines),
            &Policy::default(),
            field,
            "not allowed in this pool",
        );
        assert_eq!(file(lines).validate(&open_policy()), Ok(()), "{lines}");
    }
}

#[test]
fn what_makes_a_container_no_stronger_needs_no_permission() {
    let spec = file(
        "cap_add = ['CHOWN', 'CAP_KILL']\ncap_drop = ['ALL']\n\
         security_opt = ['no-new-privileges', 'seccomp=builtin', 'apparmor=docker-default']\n\
         networks = ['none']\nvolumes = ['cache:/cache', '/scratch']\nmemory_swap = -1",
    );
    assert_eq!(spec.validate(&Policy::default()), Ok(()));
}

#[test]
fn a_bind_mount_never_leaves_the_allowed_folders() {
    let sources = [
        "/srv/shared/../secret",
        "/srv/shared/../../etc",
        "/srv/shared/./a/../../other",
        "/srv/shared2",
        "/srv",
        "/",
        "/etc",
        "//data/../etc",
    ];
    for source in sources {
        let spec = file(&format!("volumes = ['{source}:/x']"));
        refused(
            &spec,
            &open_policy(),
            "volumes",
            "use a path below /srv/shared/, /data",
        );
    }
    for source in [
        "/srv/shared",
        "/srv/shared/a/../b",
        "/data//x/.",
        "/srv/../data/x",
    ] {
        let spec = file(&format!("volumes = ['{source}:/x']"));
        assert_eq!(spec.validate(&open_policy()), Ok(()), "{source}");
    }
}

#[test]
fn an_allowed_folder_that_is_no_absolute_path_allows_nothing() {
    let policy = Policy {
        allow_bind: vec!["".into(), "srv".into(), ".".into()],
        ..Policy::default()
    };
    refused(
        &file("volumes = ['/srv/a:/x']"),
        &policy,
        "volumes",
        "not allowed",
    );
}

#[test]
fn the_least_memory_and_no_swap_at_all_are_allowed() {
    let spec = file("memory = '6m'\nmemory_swap = '6m'");
    assert_eq!(spec.validate(&Policy::default()), Ok(()));
}

#[test]
fn a_short_total_does_not_contradict_limits_that_nobody_typed() {
    assert_eq!(
        file("timeouts = {total = '5s'}").validate(&Policy::default()),
        Ok(())
    );
    assert_eq!(
        file("timeouts = {pull = '1m'}").validate(&Policy::default()),
        Ok(())
    );
}

#[test]
fn texts_have_a_size_bound() {
    let policy = Policy::default();
    let mut long_argument = file("");
    long_argument.command = Command::from(vec!["x".repeat(128 * 1024)]);
    refused(&long_argument, &policy, "command", "stay below 128 KiB");

    let mut many_arguments = file("");
    many_arguments.command = Command::from(vec!["x".repeat(1023); 1025]);
    refused(&many_arguments, &policy, "command", "stay below 1 MiB");

    let mut long_variable = file("");
    long_variable
        .env
        .insert("A".parse().unwrap(), "x".repeat(128 * 1024));
    refused(&long_variable, &policy, "env", "128 KiB or more");

    let mut long_description = file("");
    long_description.description = Some("ü".repeat(10_001));
    refused(
        &long_description,
        &policy,
        "description",
        "10001 characters",
    );
    long_description.description = Some("ü".repeat(10_000));
    assert_eq!(long_description.validate(&policy), Ok(()));

    let mut many_labels = file("");
    many_labels
        .labels
        .insert("a".parse().unwrap(), "x".repeat(64 * 1024));
    refused(&many_labels, &policy, "labels", "stay below 64 KiB");
}

#[test]
fn all_problems_are_found_at_once() {
    let spec = file(
        "workdir = 'w'\nmemory = '1m'\nprivileged = true\nnetworks = ['host']\n\
         volumes = ['/etc:/x']\nretry = {retries = 1000}",
    );
    let errors = spec.validate(&Policy::default()).unwrap_err();
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    let expected = [
        "workdir",
        "memory",
        "retry.retries",
        "networks",
        "volumes",
        "privileged",
    ];
    assert_eq!(fields, expected);
    assert_eq!(errors.to_string().lines().count(), expected.len());
}

#[test]
fn a_problem_never_repeats_the_value_of_a_variable() {
    let errors = file("env = {TOKEN = \"hunter2\\u0000\"}")
        .validate(&Policy::default())
        .unwrap_err();
    assert!(!errors.to_string().contains("hunter2"), "{errors}");
}

#[test]
fn the_default_policy_is_the_safe_one() {
    let policy = Policy::default();
    assert_eq!(policy.default_memory.to_string(), "512m");
    assert_eq!(policy.default_cpus.to_string(), "1");
    assert_eq!(policy.default_pids.to_string(), "1024");
    assert!(policy.allow_bind.is_empty());
    assert!(!policy.allow_privileged && !policy.allow_host_network);
    assert_eq!(toml::from_str::<Policy>("").unwrap(), policy);
}

#[test]
fn a_policy_fills_in_only_what_a_job_leaves_open() {
    let mut spec = file("memory = '64m'");
    Policy::default().apply_defaults(&mut spec);
    assert_eq!(spec.memory.unwrap().to_string(), "64m");
    assert_eq!(spec.cpus.unwrap().to_string(), "1");
    assert_eq!(spec.pids_limit.unwrap().to_string(), "1024");
}

#[test]
fn a_key_of_an_array_leaves_room_for_the_indexes() {
    let policy = Policy::default();
    let of = |chars: usize, array: &str| {
        let key = "k".repeat(chars);
        file(&format!("idempotency_key = '{key}'\narray = '{array}'"))
    };
    assert_eq!(of(198, "0-9").validate(&policy), Ok(()));
    let words = "leave 4 characters of it out";
    refused(&of(197, "0-100"), &policy, "idempotency_key", words);
}
