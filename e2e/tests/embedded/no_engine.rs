//! How this machine comes to be a host, and what is refused there.

use std::process::Command;

use longshore_e2e::drill::{Done, Drill, EMBEDDED_HOST, Process};
use longshore_testkit::{demo_image_archive, longshore_bin, temp_dir};
use tempfile::TempDir;

use crate::pool;

/// A user without hosts, Docker settings and Docker, on a machine whose socket folder is empty.
struct Bare {
    folder: TempDir,
}

impl Bare {
    fn new() -> Self {
        Self { folder: temp_dir() }
    }

    /// In a mount namespace of its own, so that an engine of this machine is not seen.
    fn call(&self, args: &[&str]) -> Done {
        let folder = self.folder.path();
        let script = "mount -t tmpfs none /run && exec \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                "sh",
            ])
            .arg(longshore_bin())
            .args(args)
            .env_remove("DOCKER_HOST")
            .env_remove("DOCKER_CONTEXT")
            .env("DOCKER_CONFIG", folder.join("docker"))
            .env("LONGSHORE_STORE", folder.join("store"))
            .env("LONGSHORE_OCI", folder.join("oci"))
            .env("NO_COLOR", "1");
        Process::start(&mut command).done()
    }

    fn call_with(&self, host: &str, args: &[&str]) -> Done {
        let mut command = Command::new(longshore_bin());
        command
            .args(args)
            .env("DOCKER_HOST", host)
            .env("LONGSHORE_STORE", self.folder.path().join("store"))
            .env("LONGSHORE_OCI", self.folder.path().join("oci"));
        Process::start(&mut command).done()
    }
}

#[test]
fn where_no_engine_answers_a_job_runs_on_this_machine_and_longshore_says_so() {
    let bare = Bare::new();
    let archive = demo_image_archive().unwrap().display().to_string();
    let imported = bare.call(&["images", "import", &archive]);
    assert_eq!(imported.code, 0, "{imported:#?}");
    let script = "echo out; echo err >&2; exit 7";
    let done = bare.call(&["run", "demo-image", "sh", "-c", script]);
    assert_eq!((done.code, &*done.stdout), (7, "out\n"), "{done:#?}");
    let said = "no Docker Engine answers at unix:///var/run/docker.sock: running on the embedded \
        executor";
    assert!(done.stderr.starts_with(said), "{done:#?}");
    assert!(done.stderr.ends_with("err\n"), "{done:#?}");
    assert_eq!(done.stderr.lines().count(), 2, "{done:#?}");
    let hosts = bare.call(&["hosts", "list"]);
    assert!(hosts.stdout.contains("embedded"), "{hosts:#?}");
}

#[test]
fn an_engine_that_is_named_and_does_not_answer_stays_an_error() {
    let bare = Bare::new();
    let done = bare.call_with(
        "unix:///nowhere/docker.sock",
        &["run", "demo-image", "true"],
    );
    assert_eq!(done.code, 125, "{done:#?}");
    assert!(!done.stderr.contains("embedded"), "{done:#?}");
}

#[test]
fn what_cannot_be_honoured_is_refused_at_submit_with_what_to_do() {
    let pool = pool();
    for (flags, wanted) in [
        (["--gpus", "all"], "use a Docker host"),
        (["--network", "backend"], "use `bridge`, `host` or `none`"),
        (["--security-opt", "apparmor=mine"], "policy"),
        (["--platform", "windows/amd64"], "use a host of that kind"),
    ] {
        let done = pool.run(&flags, "true");
        assert_eq!(done.code, 125, "{done:#?}");
        assert!(done.stderr.contains(wanted), "{wanted}: {done:#?}");
    }
    assert_eq!(pool.ok(&["--json", "jobs"]), "[]");
}

#[test]
fn a_host_without_an_engine_is_added_by_its_kind_or_its_address_and_by_nothing_else() {
    let pool = pool();
    let list = |pool: &Drill| pool.ok(&["--json", "hosts", "list"]);
    assert!(list(&pool).contains("\"kind\": \"oci\""), "{}", list(&pool));
    for args in [
        &["hosts", "add", "odd", "oci://elsewhere/x"][..],
        &[
            "hosts",
            "add",
            "odd",
            "--kind",
            "oci",
            "tcp://10.0.0.1:2375",
        ],
    ] {
        let refused = pool.call(args);
        assert_eq!(refused.code, 2, "{refused:#?}");
        assert!(refused.stderr.contains("oci:///path"), "{refused:#?}");
    }
    let doctor = pool.call(&["doctor", EMBEDDED_HOST]);
    assert_eq!(doctor.code, 0, "{doctor:#?}");
    assert!(
        doctor.stdout.contains("host here: longshore"),
        "{doctor:#?}"
    );
    let explained = pool.submit(&["--on", "kind=oci"], "true");
    assert!(pool.ok(&["explain", &explained]).contains("here"));
}

#[test]
fn images_are_listed_kept_while_they_are_used_and_removed() {
    let pool = pool();
    let images = pool.ok(&["images", "list"]);
    assert!(images.contains("demo-image"), "{images}");
    let run = pool.start_run(&[], "echo up; sleep 600");
    longshore_testkit::eventually("it runs", longshore_e2e::drill::PATIENCE, || {
        run.stdout().contains("up")
    });
    let refused = pool.call(&["images", "rm", "demo-image"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(
        refused.stderr.contains("a container uses it"),
        "{refused:#?}"
    );
    pool.ok(&["cancel", "-"]);
    run.done();
    let removed = pool.ok(&["images", "rm", "demo-image"]);
    assert_eq!(removed, "here: demo-image");
    let again = pool.call(&["images", "rm", "demo-image"]);
    assert!(
        again.stderr.contains("there is no image demo-image"),
        "{again:#?}"
    );
}
