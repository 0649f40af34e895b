//! `submit`, `worker`, `cancel`, `retry`, templates, policy: what gets into the store.

use longshore_core::job::Driver;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, JobId, Timestamp};
use longshore_store::NewJob;
use uuid::Uuid;

use super::stage::Stage;

#[tokio::test]
async fn submit_prints_the_id_alone() {
    let stage = Stage::new();
    let played = stage.type_in(&["submit", "demo", "out=x"]).await;
    assert_eq!((played.code, played.err.as_str()), (0, ""));
    assert_eq!(played.out.trim(), stage.newest().await.id.to_string());
}

#[tokio::test]
async fn one_wrong_job_of_many_keeps_all_out() {
    let stage = Stage::new();
    stage.write(
        "jobs.toml",
        "[[job]]\nimage = \"a\"\n[[job]]\nimage = \"b\"\ncpus = -1\n",
    );
    let played = stage.type_in(&["submit", "-f", "jobs.toml"]).await;
    assert_eq!(played.code, 2);
    assert!(played.err.contains("jobs.toml:5: cpus"), "{}", played.err);
    assert_eq!(stage.type_in(&["jobs", "-q"]).await.out, "");
}

#[tokio::test]
async fn a_repeated_submit_with_a_key_is_the_first_job() {
    let stage = Stage::new();
    let first = stage
        .type_in(&["submit", "--idempotency-key", "k", "demo"])
        .await;
    let second = stage
        .type_in(&["submit", "--idempotency-key", "k", "demo"])
        .await;
    assert_eq!(first.out, second.out);
}

#[tokio::test]
async fn a_worker_moves_what_is_queued() {
    let stage = Stage::new();
    stage.type_in(&["submit", "demo", "out=a"]).await;
    stage.type_in(&["submit", "demo", "exit=3"]).await;
    let played = stage.type_in(&["worker", "--exit-when-empty"]).await;
    assert_eq!(played.code, 0);
    assert_eq!(stage.newest().await.exit_code, Some(3));
}

#[tokio::test]
async fn the_environment_is_template_then_file_then_flags() {
    let stage = Stage::new();
    stage.write("template", "A=template\nB=template\nC=template\n");
    stage.write("vars", "B=file\nC=file\nMINE\n");
    stage
        .type_in(&["templates", "set", "base", "template"])
        .await;
    let flags = [
        "submit",
        "--env-template",
        "base",
        "--env-file",
        "vars",
        "-e",
        "C=flag",
        "demo",
    ];
    assert_eq!(stage.type_in(&flags).await.code, 0);
    let spec = stage.newest().await.spec;
    let env: Vec<String> = spec
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(env, ["A=template", "B=file", "C=flag"]);
    assert!(spec.unresolved().is_empty());
}

#[tokio::test]
async fn a_name_alone_in_an_env_file_takes_the_callers_variable() {
    let mut stage = Stage::new();
    stage.variables.insert("MINE".into(), "here".into());
    stage.write("vars", "MINE\nNOBODYS\n");
    stage
        .type_in(&["submit", "--env-file", "vars", "demo"])
        .await;
    let spec = stage.newest().await.spec;
    assert_eq!(
        serde_json::to_value(&spec).unwrap()["env"],
        serde_json::json!({ "MINE": "here" })
    );
}

#[tokio::test]
async fn a_bind_mount_needs_the_policys_word() {
    let stage = Stage::new();
    let bind = ["submit", "-v", "/srv/in:/in", "demo"];
    let refused = stage.type_in(&bind).await;
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--volume: /srv/in"), "{}", refused.err);
    assert!(refused.err.contains("allow_bind"), "{}", refused.err);
    assert_eq!(
        stage.type_in(&["policy", "allow-bind", "/srv"]).await.code,
        0
    );
    assert_eq!(stage.type_in(&bind).await.code, 0);
}

#[tokio::test]
async fn defaults_of_the_policy_are_in_the_stored_spec() {
    let stage = Stage::new();
    stage
        .type_in(&["policy", "set", "default_memory", "64m"])
        .await;
    stage.type_in(&["submit", "demo"]).await;
    assert_eq!(
        stage
            .newest()
            .await
            .spec
            .memory
            .map(|size| size.to_string())
            .as_deref(),
        Some("64m")
    );
}

#[tokio::test]
async fn what_no_host_can_do_is_refused() {
    let stage = Stage::new();
    let played = stage.type_in(&["submit", "--gpus", "all", "demo"]).await;
    assert_eq!(played.code, 2);
    assert!(played.err.contains("it has no GPUs"), "{}", played.err);
}

#[tokio::test]
async fn a_cancelled_job_can_be_tried_again() {
    let stage = Stage::new();
    stage.type_in(&["submit", "demo"]).await;
    assert_eq!(stage.type_in(&["cancel", "-"]).await.code, 0);
    assert_eq!(stage.newest().await.status, JobStatus::Cancelled);
    assert_eq!(stage.type_in(&["cancel", "-"]).await.code, 1);
    assert_eq!(stage.type_in(&["retry", "-"]).await.code, 0);
    assert_eq!(stage.newest().await.status, JobStatus::Queued);
}

#[tokio::test]
async fn a_job_that_its_caller_drives_is_left_to_the_commands_that_do() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///m.sock"])
        .await;
    let (store, now) = (stage.store().await, Timestamp::UNIX_EPOCH);
    let job = NewJob {
        driver: Driver::Service,
        ..NewJob::new(
            JobId::new(Uuid::now_v7()),
            JobSpec::new("demo".parse().unwrap()),
        )
    };
    let (id, host) = (job.id, store.hosts().await.unwrap()[0].id);
    store.submit(&[job], now).await.unwrap();
    let attempt = AttemptId::new(Uuid::now_v7());
    store.begin(id, attempt, host, now).await.unwrap();
    for (command, advice) in [("cancel", "docker cancel"), ("retry", "docker restart")] {
        let played = stage.type_in(&[command, "-"]).await;
        assert_eq!(played.code, 1);
        let advice = format!("`longshore {advice} {}`", id.short());
        assert!(played.out.contains(&advice), "{}", played.out);
        let played = stage.type_in(&[command, "-", "--json"]).await;
        assert!(
            played.out.contains("\"answer\":\"of_service\""),
            "{}",
            played.out
        );
    }
    assert_eq!(stage.newest().await.status, JobStatus::Pending);
    let listed = stage.type_in(&["jobs", "--json"]).await.out;
    assert!(listed.contains("\"driver\": \"service\""), "{listed}");
}

#[tokio::test]
async fn a_delayed_job_waits() {
    let stage = Stage::new();
    stage.type_in(&["submit", "--delay", "10m", "demo"]).await;
    let job = stage.newest().await;
    assert_eq!(job.status, JobStatus::Pending);
    let wait = job.not_before.unwrap().duration_since(job.created_at);
    assert!((590..=600).contains(&wait.as_secs()), "{wait:?}");
}
