//! Images that mean harm, as a stranger brings them: refused in plain words, or kept in their place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_e2e::drill::{Done, Drill};
use longshore_testkit::{run, save_image, temp_dir};

use crate::pool;

/// Imports an image as `evil:1` whose layer is what this script writes to `layer.tar`.
fn import(pool: &Drill, script: &str) -> Done {
    let folder = temp_dir();
    let begin = "mkdir bin && cp /bin/busybox bin/sh && echo bad > f && tar -cf layer.tar bin";
    let whole = format!("set -e; {begin}; {script}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &whole]).current_dir(folder.path());
    run(&mut shell).expect("GNU tar writes what it is told");
    let archive = folder.path().join("evil.tar");
    save_image(&folder.path().join("layer.tar"), "evil:1", &archive).expect("there is room");
    pool.call(&["images", "import", &archive.display().to_string()])
}

/// All that is in the store of images.
fn kept(pool: &Drill) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            found.push(entry.path());
            if entry.path().is_dir() && !entry.path().is_symlink() {
                walk(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&pool.folder().join("oci/images"), &mut found);
    found.sort();
    found
}

/// It is refused with these words, and nothing of it is kept.
#[track_caller]
fn check_refused(script: &str, words: &str) {
    let pool = pool();
    let before = kept(&pool);
    let done = import(&pool, script);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.stderr.contains(words), "{done:#?}");
    assert_eq!(kept(&pool), before);
    assert!(!pool.ok(&["images", "list"]).contains("evil"));
}

#[test]
fn a_path_that_leads_up_is_refused() {
    let script = "tar -rPf layer.tar --transform 's,^f$,../../../../f,' f";
    check_refused(script, "../../../../f must not be in a layer");
}

#[test]
fn a_file_behind_a_link_that_leads_out_is_refused() {
    let script = "ln -s /nowhere out; tar -rf layer.tar out; \
        tar -rf layer.tar --transform 's,^f$,out/f,' f";
    check_refused(script, "a link to no folder of this layer");
}

#[test]
fn a_hard_link_to_a_file_of_the_machine_is_refused() {
    let script = "ln f g; tar -rPf layer.tar --transform 's,^f$,/etc/shadow,RS' f g";
    check_refused(script, "a hard link to what is no file of this image");
}

#[test]
fn a_sparse_file_of_more_than_a_layer_may_have_is_refused() {
    let script = "truncate -s 100G big; tar -rSf layer.tar big";
    check_refused(script, "it has more than 68719476736 bytes in its files");
}

#[test]
fn a_path_that_no_kernel_takes_is_refused() {
    let script = "long=$(printf 'd%.0s' $(seq 200)); path=$long; \
        for _ in $(seq 30); do path=$path/$long; done; \
        tar -rf layer.tar --transform \"s,^f\\$,$path/f,\" f";
    check_refused(script, "longer than a path can be");
}

#[test]
fn an_archive_that_is_none_or_names_files_of_the_machine_is_refused() {
    let pool = pool();
    let before = kept(&pool);
    for (script, words) in [
        ("head -c 5000 /dev/urandom > it.tar", "no tar archive"),
        (": > it.tar", "neither an OCI layout nor"),
        (
            "echo '[{\"Config\":\"../../etc/passwd\",\"RepoTags\":[\"evil:1\"],\"Layers\":[]}]' \
             > manifest.json; tar -cf it.tar manifest.json",
            "../../etc/passwd in",
        ),
    ] {
        let folder = temp_dir();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(folder.path());
        run(&mut shell).unwrap();
        let archive = folder.path().join("it.tar").display().to_string();
        let done = pool.call(&["images", "import", &archive]);
        assert_eq!(done.code, 1, "{done:#?}");
        assert!(done.stderr.contains(words), "{words}: {done:#?}");
    }
    assert_eq!(kept(&pool), before);
}

#[test]
fn an_absolute_path_and_a_device_stay_in_the_image_and_the_device_stays_shut() {
    let pool = pool();
    let disk =
        "$(stat -c '0x%t 0x%T' $(ls -d /dev/vd? /dev/sd? /dev/loop0 2>/dev/null | head -n 1))";
    let script = format!(
        "mknod -m 666 disk b {disk}; tar -rf layer.tar disk; \
         tar -rPf layer.tar --transform 's,^f$,/longshore-escaped,' f"
    );
    let done = import(&pool, &script);
    assert_eq!(done.code, 0, "{done:#?}");
    let look = "cat /longshore-escaped; : < /disk";
    let done = pool.call(&["run", "--network", "none", "evil:1", "sh", "-c", look]);
    assert_eq!((done.code, &*done.stdout), (1, "bad\n"), "{done:#?}");
    assert!(done.stderr.contains("Operation not permitted"), "{done:#?}");
    assert!(!Path::new("/longshore-escaped").exists());
}
