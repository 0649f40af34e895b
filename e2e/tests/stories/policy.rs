//! What the pool's policy refuses, and allows once somebody said so.

use crate::{check_nothing_is_left, newest, pool, standing};

/// Refused with a hint at the policy.
#[track_caller]
fn check_refused(flags: &[&str], about: &str) {
    let pool = pool();
    let done = pool.run(flags, "true");
    assert_eq!(done.code, 125, "{done:?}");
    assert!(done.stderr.contains(about), "{done:?}");
    assert!(done.stderr.contains("policy"), "{done:?}");
    assert_eq!(pool.ok(&["--json", "jobs"]), "[]");
}

#[test]
fn a_bind_mount_is_refused() {
    check_refused(&["-v", "/etc:/mnt"], "/etc");
}

#[test]
fn a_bind_mount_in_its_long_form_is_refused() {
    check_refused(&["--mount", "type=bind,source=/etc,target=/mnt"], "/etc");
}

#[test]
fn a_privileged_job_is_refused() {
    check_refused(&["--privileged"], "privileged");
}

#[test]
fn the_network_of_the_host_is_refused() {
    check_refused(&["--network", "host"], "host");
}

#[test]
fn an_allowed_folder_can_be_mounted_and_others_still_not() {
    let pool = pool();
    let inside = pool.folder().join("inside");
    let beside = pool.folder().join("inside-out");
    for folder in [&inside, &beside] {
        std::fs::create_dir(folder).expect("a folder of our own");
        std::fs::write(folder.join("file"), "from the host").expect("a folder of our own");
    }
    let allowed = inside.to_string_lossy();
    pool.ok(&["policy", "allow-bind", &allowed]);

    let mount = format!("{allowed}:/mnt:ro");
    let done = pool.run(&["-v", &mount], "cat /mnt/file; echo x > /mnt/file");
    assert_eq!(done.stdout, "from the host", "{done:?}");
    assert_ne!(done.code, 0, "it is mounted read-only");

    for other in [
        beside.to_string_lossy().into_owned(),
        format!("{allowed}/../inside-out"),
        "/".to_owned(),
    ] {
        let done = pool.run(&["-v", &format!("{other}:/mnt")], "cat /mnt/file");
        assert_eq!(done.code, 125, "{other}: {done:?}");
    }

    pool.ok(&["policy", "deny-bind", &allowed]);
    assert_eq!(pool.run(&["-v", &mount], "true").code, 125);
    check_nothing_is_left(&pool);
}

#[test]
fn an_allowed_job_uses_the_network_of_its_host() {
    let pool = pool();
    pool.ok(&["policy", "set", "allow_host_network", "true"]);
    // Asked for by name: a list of all links meets those of other tests as they vanish.
    let script = "test -e /sys/class/net/docker0 && echo seen";
    let done = pool.run(&["--network", "host"], script);
    assert_eq!((done.code, &*done.stdout), (0, "seen\n"), "{done:?}");
    assert_eq!(standing(&newest(&pool)), "completed");
}

#[test]
fn the_default_limits_are_the_policys() {
    let pool = pool();
    pool.ok(&["policy", "set", "default_memory", "100m"]);
    let id = pool.submit(&[], "true");
    assert_eq!(pool.job(&id)["spec"]["memory"], "100m");
}
