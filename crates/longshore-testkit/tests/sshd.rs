//! The SSH server lets the docker command reach an engine.

use std::process::Command;

use longshore_testkit::{Sshd, run, shared_engine};

fn docker_over(url: &str, path: &str) -> Result<String, String> {
    let mut docker = Command::new("docker");
    docker
        .args(["--host", url, "version", "--format", "{{.Server.Os}}"])
        .env("PATH", path);
    run(&mut docker).map_err(|error| error.to_string())
}

#[test]
fn an_engine_is_reached_by_ssh_until_the_server_stops() {
    let mut sshd = Sshd::start(&shared_engine()).unwrap();
    let path = format!(
        "{}:{}",
        sshd.path_dir().display(),
        std::env::var("PATH").unwrap()
    );
    assert_eq!(docker_over(&sshd.url(), &path).unwrap(), "linux\n");
    sshd.stop();
    docker_over(&sshd.url(), &path).unwrap_err();
}
