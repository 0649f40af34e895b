//! Hosts by every address, hosts that are down, and sockets that are no Docker.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use longshore_e2e::drill::{Done, Drill, PATIENCE, Process};
use longshore_testkit::{
    Door, Engine, EngineOptions, Pki, Sshd, eventually, load_demo_image, shared_engine,
};
use serde_json::Value;

/// Whoever waits at a prompt shall know by then that nothing is there.
const SECONDS: Duration = Duration::from_secs(8);

fn address(drill: &Drill) -> String {
    format!("unix://{}", drill.socket().display())
}

fn list(drill: &Drill) -> Vec<Value> {
    serde_json::from_str(&drill.ok(&["--json", "hosts", "list"])).expect("a list")
}

/// Nothing of the job was kept.
#[track_caller]
fn check_nothing_stored(drill: &Drill, done: &Done) {
    assert_eq!(done.code, 125, "{done:#?}");
    assert_eq!(done.stdout, "");
    assert!(done.took < SECONDS, "{done:#?}");
    assert!(
        done.stderr.contains("error: ") && done.stderr.contains("hint: "),
        "{done:#?}"
    );
    assert_eq!(drill.ok(&["jobs", "-q"]), "");
    assert_eq!(list(drill).len(), 0);
}

#[test]
fn a_unix_host_is_added_listed_checked_and_removed() {
    let drill = Drill::on(&shared_engine());
    let added = drill.call(&[
        "hosts",
        "add",
        "here",
        &address(&drill),
        "--slots",
        "3",
        "-l",
        "a=b",
    ]);
    assert_eq!(
        (added.code, added.stdout.as_str()),
        (0, "here\n"),
        "{added:#?}"
    );
    assert!(added.stderr.contains("API 1."), "{added:#?}");
    let hosts = list(&drill);
    assert_eq!(hosts.len(), 1);
    assert_eq!(hosts[0]["name"], "here");
    assert_eq!(hosts[0]["slots"], 3);
    assert_eq!(hosts[0]["labels"]["a"], "b");
    assert!(
        hosts[0]["facts"]["cpus"]
            .as_u64()
            .is_some_and(|cpus| cpus > 0)
    );
    let again = drill.call(&["hosts", "add", "here", &address(&drill)]);
    assert_eq!(again.code, 1, "{again:#?}");
    assert!(
        again.stderr.contains("already a host named `here`"),
        "{again:#?}"
    );
    assert_eq!(drill.call(&["hosts", "check", "here"]).code, 0);
    assert_eq!(drill.run(&["--host", "here"], "exit 4").code, 4);
    assert_eq!(drill.ok(&["hosts", "rm", "here"]), "here");
    assert_eq!(list(&drill).len(), 0);
    assert_eq!(drill.call(&["hosts", "check", "here"]).code, 1);
}

#[test]
fn a_host_with_a_running_job_is_not_removed() {
    let drill = Drill::on(&shared_engine());
    drill.ok(&["hosts", "add", "here", &address(&drill)]);
    let _worker = drill.worker();
    let id = drill.submit(&[], "echo begun; sleep 120");
    drill.until_running(&id);
    let refused = drill.call(&["hosts", "rm", "here"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("in use"), "{refused:#?}");
    drill.ok(&["cancel", &id]);
    drill.until_gone(&id);
    drill.ok(&["hosts", "rm", "here"]);
}

#[test]
fn a_tcp_host_runs_jobs_and_doctor_warns_of_it() {
    let options = EngineOptions {
        door: Door::Tcp,
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).unwrap();
    let drill = Drill::on(engine.access());
    let tcp = format!("tcp://{}", engine.tcp_address());
    drill.ok(&["hosts", "add", "far", &tcp]);
    let done = drill.run(&[], "echo over tcp; exit 5");
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (5, "over tcp\n"),
        "{done:#?}"
    );
    let doctor = drill.call(&["doctor"]);
    assert!(doctor.stdout.contains("tcp without TLS"), "{doctor:#?}");
    assert_eq!(doctor.code, 0, "{doctor:#?}");
}

#[test]
fn a_tls_host_wants_its_certificates_and_believes_no_others() {
    let (pki, stranger) = (Pki::new().unwrap(), Pki::new().unwrap());
    let options = EngineOptions {
        door: Door::Tls(&pki),
        ..EngineOptions::default()
    };
    let engine = Engine::start(&options).unwrap();
    load_demo_image(engine.access()).unwrap();
    let drill = Drill::on(engine.access());
    let tcp = format!("tcp://{}", engine.tcp_address());
    let own = pki.docker_cert_path().display().to_string();
    let other = stranger.docker_cert_path().display().to_string();
    let refused = drill.call(&["hosts", "add", "safe", &tcp, "--tls-dir", &other]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("nothing was added"), "{refused:#?}");
    let plain = drill.call(&["hosts", "add", "safe", &tcp]);
    assert_eq!(plain.code, 1, "{plain:#?}");
    let empty = drill.folder().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let lacking = [
        "hosts",
        "add",
        "safe",
        &tcp,
        "--tls-dir",
        &empty.display().to_string(),
    ];
    let lacking = drill.call(&lacking);
    assert_eq!(lacking.code, 2, "{lacking:#?}");
    assert!(
        lacking.stderr.contains("lacks ca.pem, cert.pem, key.pem"),
        "{lacking:#?}"
    );
    assert_eq!(list(&drill).len(), 0);
    drill.ok(&["hosts", "add", "safe", &tcp, "--tls-dir", &own]);
    let done = drill.run(&[], "echo over tls; exit 5");
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (5, "over tls\n"),
        "{done:#?}"
    );
    assert_eq!(list(&drill)[0]["tls"], true);
}

#[test]
fn run_without_any_engine_says_so_within_seconds_and_stores_nothing() {
    let drill = Drill::on(&shared_engine());
    drill.lead_to(&drill.folder().join("nothing"));
    let done = drill.run(&[], "true");
    check_nothing_stored(&drill, &done);
}

/// Something else answers on the socket, with these words.
fn said_to_be_no_docker(words: &'static [u8]) {
    let drill = Drill::on(&shared_engine());
    let path = drill.folder().join("other.sock");
    let listener = UnixListener::bind(&path).expect("a socket in a folder of our own");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(words);
        }
    });
    drill.lead_to(&path);
    let done = drill.run(&[], "true");
    check_nothing_stored(&drill, &done);
    assert!(done.stderr.contains("is no Docker Engine"), "{done:#?}");
    let added = drill.call(&["hosts", "add", "odd", &address(&drill)]);
    assert_eq!(added.code, 1, "{added:#?}");
    assert!(added.stderr.contains("nothing was added"), "{added:#?}");
}

#[test]
fn a_socket_of_a_web_server_is_said_to_be_no_docker() {
    said_to_be_no_docker(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
}

#[test]
fn a_socket_of_another_protocol_is_said_to_be_no_docker() {
    said_to_be_no_docker(b"SSH-2.0-other\r\n");
}

#[test]
fn a_host_that_is_down_is_added_only_when_told_and_doctor_finds_it() {
    let drill = Drill::on(&shared_engine());
    let dead = format!("unix://{}", drill.folder().join("dead.sock").display());
    let refused = drill.call(&["hosts", "add", "dead", &dead]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("--no-check"), "{refused:#?}");
    assert_eq!(list(&drill).len(), 0);
    drill.ok(&["hosts", "add", "dead", &dead, "--no-check"]);
    let check = drill.call(&["hosts", "check"]);
    assert_eq!(check.code, 1, "{check:#?}");
    assert!(check.stderr.contains("dead: "), "{check:#?}");
    let doctor = drill.call(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:#?}");
    assert!(doctor.stdout.contains("broken   host dead"), "{doctor:#?}");
    assert!(doctor.stdout.contains("fix: "), "{doctor:#?}");
    let hosts = list(&drill);
    assert!(hosts[0]["trouble"].is_string(), "{hosts:#?}");
}

#[test]
fn a_job_for_an_added_host_that_is_down_waits_says_why_and_runs_when_it_is_up() {
    let drill = Drill::on(&shared_engine());
    drill.lead_to(&drill.folder().join("nothing"));
    drill.ok(&["hosts", "add", "later", &address(&drill), "--no-check"]);
    let run = drill.start_run(&[], "echo at last; exit 6");
    eventually("run says why it waits", PATIENCE, || {
        run.stderr().contains("queued until a host answers") && run.stderr().contains("later")
    });
    assert_eq!(run.stdout(), "");
    drill.lead_to(drill.engine().socket());
    let done = run.done();
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (6, "at last\n"),
        "{done:#?}"
    );
}

#[test]
fn doctor_finds_nothing_broken_on_a_working_engine() {
    let drill = Drill::on(&shared_engine());
    let before = drill.call(&["doctor"]);
    assert!(before.stdout.contains("not registered yet"), "{before:#?}");
    drill.ok(&["hosts", "add", "here", &address(&drill)]);
    let doctor = drill.call(&["doctor"]);
    assert!(!doctor.stdout.contains("broken   host"), "{doctor:#?}");
    assert!(doctor.stdout.contains("host here: "), "{doctor:#?}");
    let lines = drill.call(&["--json", "doctor"]).stdout;
    for line in lines.lines() {
        let finding: Value = serde_json::from_str(line).expect("one finding a line");
        assert!(finding["health"].is_string(), "{finding}");
    }
}

#[test]
fn a_host_that_was_added_by_ssh_runs_jobs() {
    let engine = shared_engine();
    let sshd = Sshd::start(&engine).expect("a server starts");
    let drill = Drill::on(&engine);
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", sshd.path_dir().display());
    let call = |args: &[&str]| Process::start(drill.command(args).env("PATH", &path)).done();
    let added = call(&["hosts", "add", "far", &sshd.url()]);
    assert_eq!(
        (added.code, added.stdout.as_str()),
        (0, "far\n"),
        "{added:#?}"
    );
    let script = "echo far; exit 4";
    let run = call(&["run", "--host", "far", "demo-image", "sh", "-c", script]);
    assert_eq!((run.code, run.stdout.as_str()), (4, "far\n"), "{run:#?}");
    let images = call(&["images", "list", "--hosts", "far"]);
    assert!(images.stdout.contains("demo-image"), "{images:#?}");
    let checked = call(&["hosts", "check", "far"]);
    assert_eq!(checked.code, 0, "{checked:#?}");
}
