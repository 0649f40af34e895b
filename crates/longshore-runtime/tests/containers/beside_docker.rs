//! The same probe runs in a container of Docker and in one of ours and tells what it sees and may do.
//! What differs is listed here, line by line; every line of that list is ours being stricter.

use std::collections::BTreeSet;
use std::process::Command;

use longshore_runtime::{
    Bounds, ContainerConfig, Mount, MountSource, ResourceLimit, resolve_capabilities,
};
use longshore_testkit::{DEMO_IMAGE, shared_engine};

use crate::ground::Ground;

const PROBE: &str = include_str!("probe.sh");

/// What only Docker's containers say of themselves.
const DOCKER_ALONE: [&str; 4] = [
    // A hierarchy that bounds nothing is not shown.
    "mount /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime cgroup",
    // What the hierarchies are mounted on is closed, too.
    "may write /sys/fs/cgroup/x",
    // Nobody makes tunnels without being asked to; newer engines think so, too.
    "bound devices/devices.list c 10:200 rwm",
    "opening c 10 200:",
];

/// What only ours say.
const OURS_ALONE: [&str; 5] = [
    "mount /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime tmpfs",
    "may not write /sys/fs/cgroup/x",
    "opening c 10 200: Operation not permitted",
    // Newer engines hide these as well.
    "mount /proc/interrupts rw,nosuid tmpfs",
    "mount /sys/devices/virtual/powercap ro,relatime tmpfs",
];

/// Lines that a container tells.
fn lines(told: &str) -> BTreeSet<String> {
    told.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Runs the probe on both sides and compares.
fn check(name: &str, flags: &[&str], change: impl FnOnce(&mut ContainerConfig)) {
    let engine = shared_engine();
    let mut docker = engine.docker_command();
    docker.args(["run", "--rm", "--network", "none", "--hostname", "box"]);
    docker.args(["--ulimit", "nofile=1000:2000"]).args(flags);
    let theirs = output(docker.args([DEMO_IMAGE, "sh", "-c", PROBE]));

    let ground = Ground::new();
    let mut config = ground.script(name, PROBE);
    config.process.init = false;
    config.process.limits = vec![ResourceLimit {
        name: "nofile".to_owned(),
        soft: 1000,
        hard: 2000,
    }];
    change(&mut config);
    ground.run(&config);
    let ours = ground.stdout(&config.name);

    let (theirs, ours) = (lines(&theirs), lines(&ours));
    assert!(ours.len() > 50, "{ours:#?}");
    let unlisted = |alone: BTreeSet<String>, listed: &[&str]| -> Vec<String> {
        let alone = alone.into_iter();
        alone
            .filter(|line| !listed.contains(&line.as_str()))
            .collect()
    };
    let only_theirs = unlisted(&theirs - &ours, &DOCKER_ALONE);
    let only_ours = unlisted(&ours - &theirs, &OURS_ALONE);
    assert_eq!(
        (only_theirs, only_ours),
        (vec![], vec![]),
        "Docker alone, ours alone"
    );
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_plain_container_is_as_strict_as_dockers() {
    check("plain", &[], |_| {});
}

#[test]
fn a_user_without_rights_has_as_few_as_with_docker() {
    let flags = [
        "--user=1000:29",
        "--workdir=/work",
        "--env=A=1",
        "--env=HOME=/elsewhere",
        "--security-opt=no-new-privileges",
        "--cap-drop=ALL",
        "--cap-add=CHOWN",
    ];
    check("user", &flags, |config| {
        config.process.user = Some("1000:29".to_owned());
        config.process.workdir = "/work".into();
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        config.process.env = vec![variable("A", "1"), variable("HOME", "/elsewhere")];
        config.process.no_new_privileges = true;
        let [all, chown] = ["ALL", "CHOWN"].map(|name| name.parse().unwrap());
        config.process.capabilities = resolve_capabilities(&[chown], &[all]);
    });
}

#[test]
fn a_container_with_bounds_has_the_same_as_with_docker() {
    let flags = [
        "--read-only",
        "--tmpfs=/root:size=1m,exec",
        "--memory=64m",
        "--cpus=0.5",
        "--pids-limit=50",
        "--shm-size=1m",
        "--ulimit=core=0:0",
        "--cap-add=SYS_ADMIN",
    ];
    check("bounds", &flags, |config| {
        config.rootfs.read_only = true;
        config.mounts = vec![Mount {
            target: "/root".into(),
            source: MountSource::Tmpfs(vec!["size=1m".to_owned(), "exec".to_owned()]),
            read_only: false,
        }];
        config.bounds = Bounds {
            memory_bytes: Some(64 << 20),
            memory_swap_bytes: None,
            cpu_nanos: Some(500_000_000),
            pids: Some(50),
            shm_bytes: Some(1 << 20),
        };
        config.process.limits.push(ResourceLimit {
            name: "core".to_owned(),
            soft: 0,
            hard: 0,
        });
        let added = ["SYS_ADMIN".parse().unwrap()];
        config.process.capabilities = resolve_capabilities(&added, &[]);
    });
}

#[test]
fn an_unconfined_container_may_as_much_as_with_docker() {
    check(
        "unconfined",
        &["--security-opt=seccomp=unconfined"],
        |config| {
            config.seccomp = longshore_runtime::Seccomp::Unconfined;
        },
    );
}

/// In what is mounted over the root, too, and never as the user's own. What is around it has the rights
/// that were asked for; runc gives a tmpfs those of the folder below it.
#[test]
fn a_missing_workdir_is_made_wherever_docker_makes_it() {
    const SEEN: &str = "pwd; stat -c '%a %u:%g' .; echo x > file || echo refused";
    let engine = shared_engine();
    let ground = Ground::new();
    for (name, workdir, user) in [
        ("memory", "/w/a/b", "0"),
        ("stranger", "/w/a", "1000"),
        ("shm", "/dev/shm/a", "1000"),
        ("root", "/nowhere/a", "1000"),
    ] {
        let mut docker = engine.docker_command();
        docker.args(["run", "--rm", "--network=none", "--tmpfs=/w:mode=700"]);
        docker.args(["--workdir", workdir, "--user", user, DEMO_IMAGE]);
        let theirs = output(docker.args(["sh", "-c", SEEN]));
        let mut config = ground.script(name, SEEN);
        config.process.workdir = workdir.into();
        config.process.user = Some(user.to_owned());
        config.mounts = vec![Mount {
            target: "/w".into(),
            source: MountSource::Tmpfs(vec!["mode=700".to_owned()]),
            read_only: false,
        }];
        ground.run(&config);
        assert_eq!(ground.stdout(&config.name), theirs, "{workdir}");
    }
}
