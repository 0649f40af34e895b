//! A user whom `/etc/subuid` and `/etc/subgid` give numbers has images with several users.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::process::Command;

use longshore_e2e::drill::{Done, Drill, Process};
use longshore_testkit::{run, save_image};

use crate::{check_nothing_is_left, pool};

/// What is the first of the numbers outside; it is 1 inside.
const FIRST: u32 = 700_000;

/// Calls longshore as the pool's user, who has a name and numbers in the files of a mount namespace.
fn call(pool: &Drill, args: &[&str]) -> Done {
    const SCRIPT: &str = "set -e; user=$1; cd \"$2\"; shift 2; mount --bind passwd /etc/passwd; \
        mount --bind numbers /etc/subuid; mount --bind numbers /etc/subgid; \
        exec setpriv --reuid $user --regid $user --clear-groups \"$@\"";
    let user = fs::metadata(pool.folder()).unwrap().uid();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = format!("shore:x:{user}:{user}::/:/bin/sh\n");
    fs::write(pool.folder().join("passwd"), passwd + &line).unwrap();
    fs::write(
        pool.folder().join("numbers"),
        format!("shore:{FIRST}:65536\n"),
    )
    .unwrap();
    let longshore = pool.command(args);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", SCRIPT, "sh", &user.to_string()])
        .arg(pool.folder())
        .arg(longshore.get_program())
        .args(longshore.get_args());
    for (name, value) in longshore.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Process::start(&mut command).done()
}

/// A pool of such a user, with an image `two:1` in which `/of5` and `/of9` are files of users 5 and 9
/// that nobody else may read.
fn with_image_of_two() -> Drill {
    let pool = pool();
    let script = "set -e; mkdir bin; cp /bin/busybox bin/sh; for name in cat id stat; do ln bin/sh bin/$name; done; \
        echo five >of5; echo nine >of9; chmod 600 of5 of9; \
        tar -cf layer.tar --owner 0 --group 0 bin; tar -rf layer.tar --owner 5 --group 7 of5; \
        tar -rf layer.tar --owner 9 --group 9 of9";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(pool.folder());
    run(&mut shell).unwrap();
    let archive = pool.folder().join("two.tar");
    save_image(&pool.folder().join("layer.tar"), "two:1", &archive).unwrap();
    let user = fs::metadata(pool.folder()).unwrap().uid();
    chown(&archive, Some(user), Some(user)).unwrap();
    let imported = call(&pool, &["images", "import", &archive.display().to_string()]);
    assert_eq!(imported.code, 0, "{imported:#?}");
    pool
}

/// Where this file of an image is outside.
fn in_store(pool: &Drill, name: &str) -> Vec<PathBuf> {
    let mut find = Command::new("find");
    find.arg(pool.folder().join("oci")).args(["-name", name]);
    let found = run(&mut find).unwrap();
    found.lines().map(PathBuf::from).collect()
}

#[test]
fn files_of_an_image_have_their_owners_and_a_job_is_the_user_that_it_asks_for() {
    let pool = with_image_of_two();
    let script = "id -u; id -G; stat -c %u:%g /of5 /of9; cat /of5 && cat /of9";
    let args = ["run", "--user", "5:7", "two:1", "sh", "-c", script];
    let done = call(&pool, &args);
    assert_eq!(done.stdout, "5\n7\n5:7\n9:9\nfive\n", "{done:#?}");
    assert!(
        done.stderr.contains("/of9': Permission denied"),
        "{done:#?}"
    );
    let file = fs::metadata(&in_store(&pool, "of5")[0]).unwrap();
    assert_eq!((file.uid(), file.gid()), (FIRST + 4, FIRST + 6));
}

#[test]
fn nothing_is_left_of_containers_and_images_whose_files_have_other_owners() {
    let pool = with_image_of_two();
    let script = "mkdir /a && echo it >/a/b && chown -R 5:7 /a && chmod 700 /a";
    let done = call(&pool, &["run", "demo-image", "sh", "-c", script]);
    assert_eq!(done.code, 0, "{done:#?}");
    check_nothing_is_left(&pool);
    let removed = call(&pool, &["images", "rm", "two:1"]);
    assert_eq!(removed.code, 0, "{removed:#?}");
    assert_eq!(in_store(&pool, "of5"), Vec::<PathBuf>::new());
    assert_eq!(in_store(&pool, "b"), Vec::<PathBuf>::new());
}
