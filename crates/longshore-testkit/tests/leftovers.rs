//! Engines that outlive the process which started them, and those that must not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use longshore_testkit::{
    Engine, EngineOptions, SharedEngine, eventually, load_demo_image, temp_dir, unique_name,
};

/// Tells this test program, started again as a child, to play the process that is killed.
const ROLE: &str = "LONGSHORE_TEST_ROLE";

#[test]
fn a_shared_engine_runs_on_by_its_name_until_it_is_taken_down() {
    let folder = temp_dir();
    let name = unique_name("named");
    let shared = || SharedEngine::named(&name, folder.path().join("kept"));
    let first = shared().up().unwrap();
    load_demo_image(&first).unwrap();
    first
        .docker(["run", "-d", "demo-image", "sleep", "600"])
        .unwrap();
    let again = shared().up().unwrap();
    assert_eq!(again.docker(["ps", "--quiet"]).unwrap().lines().count(), 1);
    shared().down().unwrap();
    assert!(!again.answers());
    assert!(shared().access().is_none());
    assert!(!again.socket().parent().unwrap().exists());
    assert!(!folder.path().join("kept").exists());
}

#[test]
fn an_engine_ends_when_its_process_is_killed() {
    let announced = temp_dir();
    let file = announced.path().join("socket");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starts_an_engine_and_waits_to_be_killed"])
        .env(ROLE, &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let minute = Duration::from_mins(1);
    let socket = eventually("the engine is up", minute, || {
        fs::read_to_string(&file).ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let engine = longshore_testkit::EngineAccess::foreign(&format!("unix://{socket}"));
    eventually("the engine ended", minute, || !engine.answers());
    let folder = Path::new(&socket).parent().unwrap().to_path_buf();
    eventually("its folder is swept", minute, || {
        longshore_testkit::sweep();
        !folder.exists()
    });
}

/// Does nothing unless it is the child of the test above.
#[test]
fn starts_an_engine_and_waits_to_be_killed() {
    let Ok(file) = std::env::var(ROLE) else {
        return;
    };
    let engine = Engine::start(&EngineOptions::default()).unwrap();
    let unfinished = format!("{file}.part");
    fs::write(&unfinished, engine.socket().to_str().unwrap()).unwrap();
    fs::rename(&unfinished, &file).unwrap();
    // Nobody writes: this waits until the parent is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}
