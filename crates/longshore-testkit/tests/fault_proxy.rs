//! The proxy breaks exactly the conversations that it was told to break.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use longshore_testkit::{
    DEMO_IMAGE, EngineAccess, Fault, FaultProxy, Rule, eventually, shared_engine, unique_name,
};

struct Scene {
    engine: EngineAccess,
    proxy: FaultProxy,
    name: String,
}

impl Scene {
    fn new() -> Self {
        let engine = shared_engine();
        let proxy = FaultProxy::start(&engine).unwrap();
        Self {
            engine,
            proxy,
            name: unique_name("proxied"),
        }
    }

    /// `docker COMMAND --name NAME IMAGE …` through the proxy.
    fn run(&self, flags: &[&str], command: &[&str]) -> Result<String, String> {
        let name = ["--name", &self.name, DEMO_IMAGE];
        let args: Vec<&str> = [flags, &name, command].concat();
        self.proxy
            .access()
            .docker(args)
            .map_err(|error| error.to_string())
    }

    fn exists(&self) -> bool {
        self.engine.docker(["inspect", &self.name]).is_ok()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.engine.docker(["rm", "--force", &self.name]);
    }
}

#[test]
fn without_rules_everything_passes() {
    let scene = Scene::new();
    let said = scene
        .run(&["run"], &["sh", "-c", "echo out; exit 0"])
        .unwrap();
    assert_eq!(said, "out");
    let logs = scene
        .proxy
        .access()
        .docker(["logs", "--follow", &scene.name])
        .unwrap();
    assert_eq!(logs, "out");
    let created = |request: &String| request.contains("/containers/create?");
    assert_eq!(
        scene
            .proxy
            .requests()
            .iter()
            .filter(|request| created(request))
            .count(),
        1
    );
}

#[test]
fn standard_input_of_an_attached_container_passes() {
    let scene = Scene::new();
    let mut docker = scene.proxy.access().docker_command();
    docker.args([
        "run",
        "--interactive",
        "--name",
        &scene.name,
        DEMO_IMAGE,
        "wc",
        "-c",
    ]);
    let mut child = docker
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&vec![b'x'; 100_000])
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "100000");
}

#[test]
fn a_lost_reply_of_create_leaves_a_container_and_happens_once() {
    let scene = Scene::new();
    let rule = scene
        .proxy
        .add(Rule::first("/containers/create", Fault::LoseReply).method("POST"));
    scene.run(&["create"], &["true"]).unwrap_err();
    assert!(scene.exists());
    assert_eq!(scene.proxy.hits(rule), 1);
    let error = scene.run(&["create"], &["true"]).unwrap_err();
    assert!(error.contains("already in use"), "{error}");
    assert_eq!(scene.proxy.hits(rule), 1);
}

#[test]
fn a_lost_request_never_reaches_the_engine() {
    let scene = Scene::new();
    scene
        .proxy
        .add(Rule::every("/containers/create", Fault::LoseRequest));
    scene.run(&["create"], &["true"]).unwrap_err();
    assert!(!scene.exists());
    scene.proxy.clear();
    scene.run(&["create"], &["true"]).unwrap();
}

#[test]
fn an_answer_of_the_proxy_is_what_the_client_hears() {
    let scene = Scene::new();
    let body = r#"{"message":"the hold is full"}"#.to_owned();
    scene.proxy.add(Rule::every(
        "/containers/create",
        Fault::Answer { status: 507, body },
    ));
    let error = scene.run(&["create"], &["true"]).unwrap_err();
    assert!(error.contains("the hold is full"), "{error}");
    assert!(!scene.exists());
}

#[test]
fn a_delayed_request_is_answered_later() {
    let scene = Scene::new();
    let time = Duration::from_millis(600);
    scene
        .proxy
        .add(Rule::first("/containers/create", Fault::Delay(time)));
    let started = Instant::now();
    scene.run(&["create"], &["true"]).unwrap();
    assert!(started.elapsed() >= time);
}

#[test]
fn a_hanging_request_is_never_answered() {
    let scene = Scene::new();
    let rule = scene
        .proxy
        .add(Rule::every("/containers/create", Fault::Hang));
    let mut docker = scene.proxy.access().docker_command();
    let mut child = docker
        .args(["create", "--name", &scene.name, DEMO_IMAGE])
        .spawn()
        .unwrap();
    eventually("the request came", Duration::from_secs(10), || {
        scene.proxy.hits(rule) == 1
    });
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!scene.exists());
}

#[test]
fn a_cut_stream_ends_early() {
    let scene = Scene::new();
    scene
        .run(&["run"], &["sh", "-c", "yes ahoy | head -c 100000"])
        .unwrap();
    scene.proxy.add(Rule::every("/logs", Fault::CutAfter(5000)));
    let mut stream = UnixStream::connect(scene.proxy.socket()).unwrap();
    let request = format!(
        "GET /containers/{}/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        scene.name
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.len(), 5000);
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}
