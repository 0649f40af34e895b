//! The disk of the store, or of the logs, is full: said clearly, nothing half done, nothing lost. Needs
//! root: each test mounts a small disk of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use longshore_e2e::drill::{Drill, PATIENCE};
use longshore_testkit::{eventually, run, shared_engine, temp_dir};
use tempfile::TempDir;

/// A small disk with a file system of its own: a loop device over a file, which the kernel frees with
/// the mount.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn new(size: &str) -> Self {
        let disk = Self { folder: temp_dir() };
        let image = disk.folder.path().join("image");
        fs::create_dir(disk.mounted()).expect("a folder of our own");
        run(Command::new("truncate").args(["--size", size]).arg(&image)).expect("a sparse file");
        // Blocks as on a large disk. SQLite maps its index of the WAL into memory and takes space for it
        // by pages of 4096 bytes; in a hole of smaller blocks a full disk would be the process's end.
        let format = ["-q", "-t", "ext4", "-m", "0", "-b", "4096"];
        run(Command::new("mke2fs").args(format).arg(&image)).expect("a file system");
        run(Command::new("mount")
            .args(["-o", "loop"])
            .args([image, disk.mounted()]))
        .expect("root may mount a small disk");
        disk
    }

    fn mounted(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn store(&self) -> PathBuf {
        self.mounted().join("store")
    }

    /// Takes all the space that is left, to the last block.
    fn fill(&self) {
        let ballast = self.mounted().join("ballast");
        let zeros = vec![0; 4096];
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(ballast)
            .expect("a file");
        while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.mounted().join("ballast")).expect("the ballast is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazy, because a process that is being killed may still hold it.
        let _ = run(Command::new("umount").arg("--lazy").arg(self.mounted()));
    }
}

#[test]
fn a_submit_to_a_full_store_says_so_and_stores_nothing() {
    let disk = Disk::new("8m");
    let drill = Drill::on(&shared_engine()).with_store(&disk.store());
    let before = drill.submit(&["--name", "before"], "exit 3");
    disk.fill();
    let many: String = "x".repeat(60_000);
    let label = format!("big={many}");
    let refused = drill.call(&["submit", "-l", &label, "demo-image", "true"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("full"), "{refused:#?}");
    let run = drill.run(&["-l", &label], "true");
    assert_eq!(run.code, 125, "{run:#?}");
    assert!(run.stderr.contains("full"), "{run:#?}");
    disk.free();
    assert_eq!(drill.ok(&["jobs", "--no-trunc", "-q"]), before);
    let _worker = drill.worker();
    assert_eq!(drill.until_gone(&before)["exit_code"], 3);
}

#[test]
fn a_new_store_on_a_full_disk_says_so_and_works_once_there_is_space() {
    let disk = Disk::new("4m");
    disk.fill();
    let drill = Drill::on(&shared_engine()).with_store(&disk.store());
    let refused = drill.run(&[], "true");
    assert_eq!(refused.code, 125, "{refused:#?}");
    assert!(refused.stderr.contains("full"), "{refused:#?}");
    disk.free();
    assert_eq!(drill.run(&[], "exit 3").code, 3);
}

/// A job whose disk fills up while it runs keeps its container until there is space, and all its output.
fn loses_nothing(drill: &Drill, disk: &Disk) {
    let worker = drill.worker();
    let volume = drill.volume_flag();
    // Random text, so that compression does not save the day.
    let script = "echo begun; until [ -e /v/go ]; do usleep 50000; done; \
        head -c 600000 /dev/urandom | base64 > /v/text; cat /v/text; echo end; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    disk.fill();
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill.engine().docker(go).expect("a file in a volume");
    drill.until_container(&container, "exited");
    eventually("the worker says what is wrong", PATIENCE, || {
        let said = worker.stderr();
        if said.contains("full") || said.contains("space") {
            Ok(())
        } else {
            Err(said)
        }
    });
    assert_eq!(
        drill.container(&container, "{{.State.Status}}").as_deref(),
        Some("exited")
    );
    disk.free();
    let job = drill.until_gone(&id);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    let text = drill.in_volume("text");
    assert_eq!(drill.log(&id), format!("begun\n{text}\nend\n"));
    assert_eq!(worker.leave().code, 0);
}

#[test]
fn a_worker_whose_store_fills_up_keeps_the_container_and_finishes_once_there_is_space() {
    let disk = Disk::new("16m");
    loses_nothing(
        &Drill::on(&shared_engine()).with_store(&disk.store()),
        &disk,
    );
}

#[test]
fn a_worker_whose_logs_have_no_space_keeps_the_container_and_all_its_output() {
    let disk = Disk::new("8m");
    let logs = disk.mounted().join("logs");
    loses_nothing(&Drill::on(&shared_engine()).with_logs(&logs), &disk);
}
