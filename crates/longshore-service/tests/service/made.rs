//! What a container gets that is made for a job: whatever the job's spec says reaches it.

use std::path::Path;

use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL};
use longshore_core::legacy_text::ParsedOutput;
use longshore_core::spec::JobSpec;
use longshore_testkit::{temp_dir, unique_name};
use serde_json::Value;

use crate::scene::{Scene, forever, script};

/// Everything that the legacy system dropped, beside what it honoured.
fn full(folder: &Path, network: &str) -> JobSpec {
    JobSpec {
        name: Some("nightly import".parse().unwrap()),
        workdir: Some("/var".into()),
        user: Some("1000:1000".parse().unwrap()),
        hostname: Some("builder".parse().unwrap()),
        memory: Some("96MiB".parse().unwrap()),
        cpus: Some("0.5".parse().unwrap()),
        volumes: vec![format!("{}:/inside:ro", folder.display()).parse().unwrap()],
        networks: vec![format!("{network}:database").parse().unwrap()],
        labels: [("team".parse().unwrap(), "blue".into())].into(),
        ..forever()
    }
}

#[tokio::test]
async fn everything_that_the_spec_says_reaches_the_container() {
    let scene = Scene::new().await;
    let (folder, network) = (temp_dir(), unique_name("net"));
    scene
        .engine
        .docker(["network", "create", &network])
        .unwrap();
    let job = scene.started(full(folder.path(), &network)).await;
    let shown = scene.inspected(job).await;
    let (config, host) = (&shown["Config"], &shown["HostConfig"]);
    assert_eq!(config["WorkingDir"], "/var");
    assert_eq!(config["User"], "1000:1000");
    assert_eq!(config["Hostname"], "builder");
    assert_eq!(config["Labels"]["team"], "blue");
    assert_eq!(host["Memory"], 96 << 20);
    assert_eq!(host["NanoCpus"], 500_000_000);
    let mount = &shown["Mounts"][0];
    assert_eq!(
        (&mount["Destination"], &mount["RW"]),
        (&"/inside".into(), &false.into())
    );
    let aliases = &shown["NetworkSettings"]["Networks"][&network]["Aliases"];
    let aliases = aliases.as_array().unwrap();
    assert!(aliases.contains(&Value::from("database")), "{aliases:?}");
    let name = format!("/longshore-{}", scene.attempt(job).await.id);
    assert_eq!(shown["Name"], name);
    scene.docker(job, &["rm", "--force"]).await;
    scene.engine.docker(["network", "rm", &network]).unwrap();
}

#[tokio::test]
async fn the_container_carries_our_labels_and_those_of_the_legacy_system() {
    let scene = Scene::new().await;
    let named = JobSpec {
        name: Some("nightly".parse().unwrap()),
        ..forever()
    };
    let job = scene.created(named).await;
    let shown = scene.inspected(job).await;
    let labels = &shown["Config"]["Labels"];
    let created_at = labels["django.container_manager.created_at"].as_str();
    for (label, value) in [
        (LABEL_POOL, scene.store.pool().to_string()),
        (LABEL_JOB, job.to_string()),
        (LABEL_ATTEMPT, scene.attempt(job).await.id.to_string()),
        ("django.container_manager.job_id", job.to_string()),
        ("django.container_manager.job_name", "nightly".into()),
        (
            "django.container_manager.host_id",
            scene.host.id.to_string(),
        ),
        (
            "django.container_manager.host_name",
            scene.host.name.clone(),
        ),
        ("managed_by", "django-container-manager".into()),
        ("version", "1.0".into()),
    ] {
        assert_eq!(labels[label], value, "{label}");
    }
    assert!(created_at.unwrap().ends_with("+00:00"), "{created_at:?}");
    // The pair that posed as a part of a compose project is not written.
    assert!(labels["com.docker.compose.project"].is_null());
    let unnamed = scene.created(forever()).await;
    let shown = scene.inspected(unnamed).await;
    let name = &shown["Config"]["Labels"]["django.container_manager.job_name"];
    assert_eq!(name, "unnamed");
}

#[tokio::test]
async fn a_command_in_one_string_is_split_without_a_shell() {
    let scene = Scene::new().await;
    let job = scene
        .started(JobSpec {
            command: serde_json::from_value("echo $HOME && 'l s'".into()).unwrap(),
            ..forever()
        })
        .await;
    scene.service.wait_for_container(job, None).await.unwrap();
    assert_eq!(scene.log(job).await, "$HOME && l s\n");
}

#[tokio::test]
async fn real_streams_are_kept_apart_whatever_their_words() {
    let scene = Scene::new().await;
    let json = r#"printf '{\n  "errors": 0,\n  "ok": 1\n}\n'; echo fine >&2"#;
    let job = scene.started(script(json)).await;
    scene.service.wait_for_container(job, None).await.unwrap();
    let output = scene.service.output_of_job(job).await.unwrap();
    assert_eq!(output.clean_output, "{\n  \"errors\": 0,\n  \"ok\": 1\n}\n");
    assert!(
        output.stderr_log.ends_with(" fine\n"),
        "{}",
        output.stderr_log
    );
    let parsed = output.parsed_output.unwrap();
    assert_eq!(
        parsed,
        ParsedOutput::Json(serde_json::json!({ "errors": 0, "ok": 1 }))
    );
}
