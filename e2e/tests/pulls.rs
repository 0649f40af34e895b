//! Images from real registries: each way in which a pull fails has its own reason and sentence.

use longshore_e2e::drill::{Done, Drill, PATIENCE};
use longshore_testkit::{
    EngineAccess, Fault, Registry, RegistryKind, Rule, eventually, shared_engine, temp_dir,
    unique_name,
};
use serde_json::{Value, json};

/// A registry with one image, and a pool that may know its password.
struct Scene {
    engine: EngineAccess,
    registry: Registry,
    drill: Drill,
    image: String,
    _config: tempfile::TempDir,
}

impl Scene {
    fn new(kind: RegistryKind) -> Self {
        let engine = shared_engine();
        let registry = Registry::start(&engine, kind).expect("a registry starts");
        let config = registry.docker_config().expect("a folder of credentials");
        let drill = Drill::on(&engine).with_config(config.path());
        let name = format!("{}:1", unique_name("team/app"));
        let image = registry
            .push(&engine, "demo-image", &name)
            .expect("the registry takes the image");
        Self {
            engine,
            registry,
            drill,
            image,
            _config: config,
        }
    }

    fn run(&self, image: &str) -> Done {
        self.drill
            .call(&["run", "--infra-retries", "0", image, "echo", "pulled"])
    }

    fn newest(&self) -> Value {
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
    scene.drill = Drill::on(&scene.engine).with_config(nothing.path());
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
    scene.drill = Drill::on(&scene.engine).with_config(folder.path());
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
fn a_registry_that_stops_half_way_fails_the_pull_and_is_said_to_be_down() {
    let mut scene = Scene::new(RegistryKind::Open);
    let big = big_image(&scene.engine, &scene.registry);
    let run = ["run", "--infra-retries", "0", &big, "true"];
    let run = scene.drill.spawn(&run);
    let asked = || scene.registry.log().contains("GET /v2/team/big/manifests");
    eventually("the pull has begun", PATIENCE, asked);
    scene.registry.stop();
    let done = run.done();
    assert_eq!(done.code, 125, "{done:#?}");
    let job = scene.newest();
    assert_eq!(job["reason"], "image_pull", "{job:#}");
    let sentence = "the registry cannot be reached";
    assert!(done.stderr.contains(sentence), "{done:#?}");
}

/// An image whose pull takes a moment.
fn big_image(engine: &EngineAccess, registry: &Registry) -> String {
    let container = unique_name("longshore-big");
    let script = "head -c 60000000 /dev/urandom > /big";
    let run = [
        "run",
        "--name",
        &container,
        "demo-image",
        "sh",
        "-c",
        script,
    ];
    engine.docker(run).expect("a container with a big file");
    let local = unique_name("longshore-big");
    engine
        .docker(["commit", &container, &local])
        .expect("an image of it");
    engine
        .docker(["rm", "--volumes", &container])
        .expect("the container can go");
    let pushed = registry.push(engine, &local, "team/big:1");
    // Its layers must come from the registry.
    engine
        .docker(["image", "rm", &local])
        .expect("the image can go");
    pushed.expect("the registry takes it")
}

#[test]
fn ten_jobs_that_want_one_image_make_one_pull() {
    let scene = Scene::new(RegistryKind::Open);
    let config = scene.registry.docker_config().unwrap();
    let (drill, proxy) = Drill::through_proxy(&scene.engine);
    let drill = drill.with_config(config.path());
    // Never befalls anything: it counts.
    let pulls = proxy.add(Rule::every(
        "/images/create",
        Fault::Delay(std::time::Duration::ZERO),
    ));
    let jobs: Vec<String> = (0..10)
        .map(|_| drill.ok(&["submit", &scene.image, "true"]))
        .collect();
    let worker = drill.spawn(&["worker", "--exit-when-empty"]);
    assert_eq!(worker.done().code, 0);
    for id in &jobs {
        assert_eq!(drill.job(id)["status"], "completed");
    }
    assert_eq!(proxy.hits(pulls), 1);
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
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    scene.engine.docker(go).unwrap();
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "completed", "{job:#}");
    assert_eq!(job["attempt"], 2, "{job:#}");
    assert_eq!(job["image_digest"], before);
    assert_eq!(drill.log(&id), "", "the second attempt ran the newer image");
}

/// Another image takes the tag in the registry.
fn move_tag(scene: &Scene) {
    let container = unique_name("longshore-newer");
    let engine = &scene.engine;
    let script = "echo newer > /etc/generation";
    let run = [
        "run",
        "--name",
        &container,
        "demo-image",
        "sh",
        "-c",
        script,
    ];
    engine.docker(run).expect("a container");
    let local = unique_name("longshore-newer");
    engine
        .docker(["commit", &container, &local])
        .expect("an image of it");
    engine
        .docker(["rm", "--volumes", &container])
        .expect("the container can go");
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
    let socket = format!("unix://{}", drill.socket().display());
    drill.ok(&["hosts", "add", "here", &socket]);
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
