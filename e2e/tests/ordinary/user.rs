//! What is different for a user who is not root, and what is not.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use longshore_e2e::drill::{Drill, EMBEDDED_HOST, PATIENCE};
use longshore_testkit::{eventually, unique_name};

use crate::pool;

/// A folder of the user's that his pool lets jobs mount.
fn shared(pool: &Drill) -> String {
    let folder = pool.folder().join("shared");
    let owner = fs::metadata(pool.folder()).unwrap();
    fs::create_dir(&folder).unwrap();
    chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
    let folder = folder.display().to_string();
    pool.ok(&["policy", "set", "allow_bind", &folder]);
    folder
}

#[test]
fn what_a_job_writes_to_a_folder_of_the_user_is_the_users() {
    let pool = pool();
    let folder = shared(&pool);
    let done = pool.run(
        &["-v", &format!("{folder}:/shared")],
        "id -u; echo it > /shared/made",
    );
    assert_eq!((done.code, &*done.stdout), (0, "0\n"), "{done:#?}");
    let made = fs::metadata(format!("{folder}/made")).unwrap();
    assert_eq!(made.uid(), fs::metadata(&folder).unwrap().uid());
}

#[test]
fn a_folder_that_is_mounted_read_only_cannot_be_written_to() {
    let pool = pool();
    let folder = shared(&pool);
    let flags = ["-v", &format!("{folder}:/shared:ro")];
    let done = pool.run(&flags, "touch /shared/made");
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.stderr.contains("Read-only"), "{done:#?}");
}

#[test]
fn a_root_that_is_read_only_volumes_memory_and_a_small_init_are_as_for_root() {
    let pool = pool();
    let flags = [
        "--read-only",
        "--init",
        "--tmpfs",
        "/t",
        "-v",
        "/fresh",
        "-v",
        "named:/n",
    ];
    let done = pool.run(
        &flags,
        "touch /t/a /fresh/a /n/a && touch /a; cat /proc/1/comm; exit 3",
    );
    assert_eq!((done.code, &*done.stdout), (3, "init\n"), "{done:#?}");
    assert!(done.stderr.contains("/a: Read-only"), "{done:#?}");
}

#[test]
fn a_job_has_the_usual_devices_and_no_others() {
    let pool = pool();
    let script = "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c \
        && mknod /dev/disk b 8 0; ls /dev/disk";
    let done = pool.run(&[], script);
    assert_eq!((done.code, &*done.stdout), (1, "3\n4\n"), "{done:#?}");
}

#[test]
fn files_and_folders_of_the_image_can_be_replaced() {
    let pool = pool();
    let script = "mkdir -p /opt/a && rm -r /opt && mkdir /opt \
        && ls -A /opt | wc -l";
    let done = pool.run(&[], script);
    assert_eq!((done.code, &*done.stdout), (0, "0\n"), "{done:#?}");
}

#[test]
fn what_an_ordinary_user_cannot_have_is_refused_at_submit_with_what_to_do() {
    let pool = pool();
    let refused = [
        (&["--user", "5"][..], "usermod --add-subuids"),
        (&["--network", "bridge"], "a private network needs root"),
        (
            &["-m", "64m", "--memory-swap", "64m"],
            "control groups of version 2",
        ),
        (&["--ulimit", "nofile=-1"], "at most for this user"),
    ];
    for (flags, said) in refused {
        let done = pool.run(flags, "true");
        assert_eq!(done.code, 125, "{flags:?}: {done:#?}");
        assert!(done.stderr.contains(said), "{flags:?}: {done:#?}");
    }
}

#[test]
fn doctor_says_what_is_not_kept_for_this_user() {
    let pool = pool();
    let done = pool.call(&["doctor"]);
    for said in [
        "limits of memory, CPUs and processes",
        "images have one user",
        "do what it says",
    ] {
        assert!(done.stdout.contains(said), "{done:#?}");
    }
    assert!(done.stdout.contains(EMBEDDED_HOST), "{done:#?}");
}

/// Is there a process of this program?
fn runs_somewhere(program: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.map(|entry| fs::read(entry.path().join("cmdline")));
    lines.any(|line| line.is_ok_and(|line| line.starts_with(program.as_bytes())))
}

/// There are no control groups by which anybody else could find it.
#[test]
fn a_program_of_set_user_id_without_an_init_dies_with_its_supervisor() {
    let pool = pool();
    let worker = pool.worker();
    let word = unique_name("set-user-id");
    let program = format!("/tmp/{word}/sleep");
    let script = format!(
        "mkdir /tmp/{word} && cp /bin/busybox {program} && chmod 4755 {program} && exec {program} 600"
    );
    let id = pool.submit(&["--no-init"], &script);
    let container = pool.until_running(&id);
    let runs = || runs_somewhere(&program).then_some(()).ok_or("not yet");
    eventually("its program runs", PATIENCE, runs);
    // No other attempt is to follow.
    worker.kill9();
    pool.kill_supervisor(&container);
    let is_gone = || (!runs_somewhere(&program)).then_some(()).ok_or("it lives");
    eventually("its program is gone", PATIENCE, is_gone);
}

#[test]
fn what_a_job_used_is_known_at_its_end() {
    let pool = pool();
    let id = pool.ok(&[
        "run",
        "-d",
        "demo-image",
        "sh",
        "-c",
        "head -c 50m /dev/zero | md5sum",
    ]);
    assert_eq!(pool.call(&["worker", "--exit-when-empty"]).code, 0);
    let job = pool.job(&id);
    let usage = &job["attempts"][0]["usage"];
    assert!(
        usage["cpu_nanos"].as_u64().is_some_and(|nanos| nanos > 0),
        "{job:#}"
    );
}
