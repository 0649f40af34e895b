//! Images from real registries: each way in which a pull fails has its own reason and sentence.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use longshore_e2e::drill::{Done, Drill, PATIENCE, Process};
use longshore_e2e::made_image::{image_of, noise};
use longshore_testkit::{
    EngineAccess, GateMood, Registry, RegistryGate, RegistryKind, eventually, shared_engine,
    temp_dir, unique_name,
};
use serde_json::{Value, json};

use crate::{let_go, pool_beside};

/// A registry with one image, and a pool that may know its password.
pub(crate) struct Scene {
    pub(crate) engine: EngineAccess,
    pub(crate) registry: Registry,
    pub(crate) drill: Drill,
    pub(crate) image: String,
    config: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new(kind: RegistryKind) -> Self {
        let engine = shared_engine();
        let registry = Registry::start(&engine, kind).expect("a registry starts");
        let config = registry.docker_config().expect("a folder of credentials");
        let drill = pool_beside(&engine).with_config(config.path());
        let name = format!("{}:1", unique_name("team/app"));
        let image = registry
            .push(&engine, "demo-image", &name)
            .expect("the registry takes the image");
        Self {
            engine,
            registry,
            drill,
            image,
            config,
        }
    }

    fn run(&self, image: &str) -> Done {
        self.drill
            .call(&["run", "--infra-retries", "0", image, "echo", "pulled"])
    }

    pub(crate) fn newest(&self) -> Value {
        self.drill.job("-")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let repository = self.image.trim_end_matches(":1");
        let format = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}";
        let list = ["images", "--digests", "--format", format, repository];
        let names = self.engine.docker(list).unwrap_or_default();
        for name in names
            .split_whitespace()
            .filter(|name| !name.contains("<none>"))
        {
            let _ = self.engine.docker(["image", "rm", name]);
        }
    }
}

#[track_caller]
fn check_runs(scene: &Scene) {
    let done = scene.run(&scene.image);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(done.stdout, "pulled\n");
    let digest = scene.newest()["image_digest"].clone();
    assert!(
        digest
            .as_str()
            .is_some_and(|text| text.starts_with("sha256:")),
        "{digest}"
    );
}

/// The job failed before its container ran: 125, this reason, these words, and a next step.
#[track_caller]
fn check_fails(scene: &Scene, image: &str, reason: &str, words: &[&str]) {
    let done = scene.run(image);
    assert_eq!(done.code, 125, "{done:#?}");
    assert_eq!(done.stdout, "");
    let job = scene.newest();
    assert_eq!(job["reason"], reason, "{job:#}");
    assert_eq!(
        scene
            .drill
            .containers(job["id"].as_str().unwrap_or_default())
            .len(),
        0
    );
    for word in words.iter().chain(&["hint:"]) {
        assert!(
            done.stderr.contains(word),
            "`{word}` is not said: {done:#?}"
        );
    }
}

#[test]
fn a_public_image_is_pulled_and_its_digest_recorded() {
    check_runs(&Scene::new(RegistryKind::Open));
}

#[test]
fn an_image_behind_a_password_is_pulled_with_the_credentials_of_docker() {
    check_runs(&Scene::new(RegistryKind::Password));
}

#[test]
fn a_credential_helper_is_asked_for_the_password() {
    let scene = Scene::new(RegistryKind::Password);
    let who = scene.registry.credentials().expect("it has a password");
    let programs = temp_dir();
    let program = programs.path().join("docker-credential-tests");
    let answer = json!({ "Username": who.user, "Secret": who.password });
    let script = format!("#!/bin/sh\n[ \"$1\" = get ] && cat >/dev/null && echo '{answer}'\n");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let configuration = json!({ "credHelpers": { scene.registry.address(): "tests" } });
    fs::write(
        scene.config.path().join("config.json"),
        configuration.to_string(),
    )
    .unwrap();
    let others = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{others}", programs.path().display());
    let mut run = scene
        .drill
        .command(&["run", &scene.image, "echo", "pulled"]);
    let done = Process::start(run.env("PATH", path)).done();
    assert_eq!((done.code, &*done.stdout), (0, "pulled\n"), "{done:#?}");
}

#[test]
fn an_image_is_pulled_over_tls() {
    check_runs(&Scene::new(RegistryKind::Tls));
}

#[test]
fn a_registry_with_an_unknown_certificate_is_not_trusted() {
    let scene = Scene::new(RegistryKind::Open);
    let untrusted = Registry::start(&scene.engine, RegistryKind::TlsUntrusted).unwrap();
    let image = untrusted.reference("team/app:1");
    check_fails(&scene, &image, "image_pull", &["certificate"]);
}

#[test]
fn a_missing_tag_is_image_not_found() {
    let scene = Scene::new(RegistryKind::Open);
    let image = scene.image.replace(":1", ":2");
    check_fails(
        &scene,
        &image,
        "image_not_found",
        &["image not found", &image],
    );
}

#[test]
fn a_missing_repository_is_image_not_found() {
    let scene = Scene::new(RegistryKind::Open);
    let image = scene.registry.reference("nobody/nothing:1");
    check_fails(
        &scene,
        &image,
        "image_not_found",
        &["image not found", &image],
    );
}

#[test]
fn no_password_is_image_denied() {
    let mut scene = Scene::new(RegistryKind::Password);
    let nothing = temp_dir();
    scene.drill = pool_beside(&scene.engine).with_config(nothing.path());
    let image = scene.image.clone();
    check_fails(
        &scene,
        &image,
        "image_denied",
        &["access to the image denied"],
    );
}

#[test]
fn a_wrong_password_is_image_denied_and_is_not_shown() {
    let mut scene = Scene::new(RegistryKind::Password);
    let folder = temp_dir();
    // sailor:not-the-word
    let auth = json!({ scene.registry.address(): { "auth": "c2FpbG9yOm5vdC10aGUtd29yZA==" } });
    let config = json!({ "auths": auth }).to_string();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    scene.drill = pool_beside(&scene.engine).with_config(folder.path());
    let image = scene.image.clone();
    check_fails(
        &scene,
        &image,
        "image_denied",
        &["access to the image denied"],
    );
    let shown = scene.newest().to_string() + &scene.drill.ok(&["--json", "events", "-"]);
    assert!(!shown.contains("not-the-word"), "{shown}");
}

#[test]
fn a_registry_that_is_down_is_said_to_be_down() {
    let mut scene = Scene::new(RegistryKind::Open);
    scene.registry.stop();
    let image = scene.image.clone();
    check_fails(
        &scene,
        &image,
        "image_pull",
        &["the registry cannot be reached"],
    );
}

#[test]
fn an_image_that_must_be_there_and_is_not_is_image_not_found_without_a_pull() {
    let scene = Scene::new(RegistryKind::Open);
    let run = ["run", "--pull", "never", &scene.image, "true"];
    let done = scene.drill.call(&run);
    assert_eq!(done.code, 125, "{done:#?}");
    assert_eq!(scene.newest()["reason"], "image_not_found");
    assert!(!scene.registry.log().contains("GET /v2/team/app"));
}

#[test]
fn a_registry_that_limits_pulls_is_waited_for_and_no_retry_is_spent() {
    let scene = Scene::new(RegistryKind::Open);
    let gate = RegistryGate::start(&scene.engine, &scene.registry).unwrap();
    let drill = &scene.drill;
    gate.set(GateMood::Limits);
    let image = scene
        .image
        .replace(scene.registry.address(), gate.address());
    let submit = ["submit", "--infra-retries", "0", &image, "echo", "x"];
    let id = drill.ok(&submit);
    let _worker = drill.worker();
    let waits = "limits pulls until";
    eventually("it is said what the job waits for", PATIENCE, || {
        let explained = drill.ok(&["explain", &id]);
        if explained.contains(waits) {
            Ok(())
        } else {
            Err(explained)
        }
    });
    assert!(gate.log().contains("limits"), "{}", gate.log());
    gate.set(GateMood::Open);
    let job = drill.until_gone(&id);
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&"completed".into(), &1.into())
    );
    let timeline = drill.ok(&["--json", "events", &id]);
    assert!(timeline.contains(waits), "{timeline}");
    let _ = scene.engine.docker(["image", "rm", &image]);
}

/// An image of its own layer; what the registry keeps for `blob_of(manifest)` is other bytes for a while.
#[track_caller]
fn check_other_bytes_are_refused(blob_of: impl Fn(&str, &Value) -> String) {
    let scene = Scene::new(RegistryKind::Open);
    let local = image_of(&scene.engine, &noise(5000));
    let pushed = scene.registry.push(&scene.engine, &local, "team/broken:1");
    let gone = scene.engine.docker(["image", "rm", &local]);
    gone.expect("the image can go");
    let digest = scene
        .registry
        .digest_of("team/broken:1")
        .expect("it was pushed");
    let image = pushed
        .expect("the registry takes it")
        .replace(":1", &format!("@{digest}"));
    let manifest = fs::read(scene.registry.blob_file(&digest)).expect("it is kept");
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    let file = scene.registry.blob_file(&blob_of(&digest, &manifest));
    let whole = fs::read(&file).expect("it is kept");
    let mut other = whole.clone();
    // White space before the end of a document changes nothing but its digest; a layer is changed, too.
    other.insert(other.len() - 1, b' ');
    fs::write(&file, &other).expect("it can be broken");
    check_fails(&scene, &image, "image_pull", &[]);
    fs::write(&file, &whole).expect("it can be mended");
    let done = scene.run(&image);
    assert_eq!((done.code, &*done.stdout), (0, "pulled\n"), "{done:#?}");
    let _ = scene.engine.docker(["image", "rm", &image]);
}

#[test]
fn a_layer_of_other_bytes_than_its_digest_says_is_refused() {
    check_other_bytes_are_refused(|_, manifest| {
        let layers = manifest["layers"].as_array().expect("it has layers");
        let newest = layers.last().expect("it has layers");
        newest["digest"].as_str().unwrap_or_default().to_owned()
    });
}

#[test]
fn a_manifest_of_other_bytes_than_its_digest_says_is_refused() {
    check_other_bytes_are_refused(|digest, _| digest.to_owned());
}

#[test]
fn a_retry_runs_the_digest_of_the_first_attempt_though_the_tag_has_moved() {
    let scene = Scene::new(RegistryKind::Open);
    let drill = &scene.drill;
    let volume = drill.volume_flag();
    let script = "cat /etc/generation 2>/dev/null; echo ran >> /v/runs; \
        [ $(wc -l < /v/runs) -gt 1 ] || { until [ -e /v/go ]; do usleep 50000; done; exit 1; }";
    let submit = [
        "submit",
        "--pull",
        "always",
        "--retries",
        "1",
        "-v",
        &volume,
        &scene.image,
    ];
    let id = drill.ok(&[&submit[..], &["sh", "-c", script]].concat());
    let _worker = drill.worker();
    drill.until_running(&id);
    let before = drill.job(&id)["image_digest"].clone();
    assert!(before.is_string());
    move_tag(&scene);
    let_go(drill);
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "completed", "{job:#}");
    assert_eq!(job["attempt"], 2, "{job:#}");
    assert_eq!(job["image_digest"], before);
    assert_eq!(drill.log(&id), "", "the second attempt ran the newer image");
}

/// Another image takes the tag in the registry.
fn move_tag(scene: &Scene) {
    let engine = &scene.engine;
    let local = image_of(engine, "echo newer > /etc/generation");
    let name = scene.image.split_once('/').expect("registry/name").1;
    scene
        .registry
        .push(engine, &local, name)
        .expect("the registry takes it");
    engine
        .docker(["image", "rm", "--force", &local])
        .expect("the image can go");
}

#[test]
fn images_pull_brings_an_image_and_list_shows_it() {
    let scene = Scene::new(RegistryKind::Password);
    let drill = &scene.drill;
    let said = drill.ok(&["images", "pull", &scene.image]);
    assert!(
        said.starts_with("here: ") && said.contains("@sha256:"),
        "{said}"
    );
    let listed = drill.ok(&["images", "list"]);
    let name = scene.image.trim_end_matches(":1");
    assert!(listed.contains(name), "{listed}");
    let missing = drill.call(&["images", "pull", &scene.image.replace(":1", ":9")]);
    assert_eq!(missing.code, 1, "{missing:#?}");
    assert!(
        missing.stderr.contains("hint: check the name and the tag"),
        "{missing:#?}"
    );
}
