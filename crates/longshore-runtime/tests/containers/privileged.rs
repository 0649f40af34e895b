//! What the policy lets out of its box: everything that the machine can give, and nothing hidden.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use crate::ground::Ground;

/// What this process may have itself, as the kernel prints it.
fn own_bounding_set() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("CapBnd:"));
    line.unwrap()
        .trim_start_matches("CapBnd:")
        .trim()
        .to_owned()
}

#[test]
fn a_privileged_container_has_every_capability_and_device_of_the_machine() {
    let disks = fs::read_dir("/dev").unwrap().flatten();
    let is_disk = |entry: &fs::DirEntry| entry.file_type().unwrap().is_block_device();
    let disks = disks.filter(is_disk).count();
    let ground = Ground::new();
    let script = "sed -n 's/CapEff:\\t//p; s/Seccomp:\\t//p' /proc/self/status
        find /dev -maxdepth 1 -type b | wc -l
        cat /proc/keys > /dev/null && echo seen
        mkdir /sys/fs/cgroup/pids/below && rmdir /sys/fs/cgroup/pids/below && echo written
        mknod /root/log c 1 11 && (: < /root/log) && echo opened";
    let mut config = ground.script("privileged", script);
    config.process.privileged = true;
    config.process.init = false;
    ground.run(&config);
    let expected = format!(
        "{}\n0\n{disks}\nseen\nwritten\nopened\n",
        own_bounding_set()
    );
    assert_eq!(ground.stdout(&config.name), expected);
}

#[test]
fn what_the_machine_cannot_give_is_refused_by_name() {
    let ground = Ground::new();
    let mut config = ground.script("magic", "true");
    config.process.capabilities.push("CAP_MAGIC".to_owned());
    ground.runtime.create(&config).unwrap();
    let error = ground.runtime.start(&config.name).unwrap_err();
    assert!(error.to_string().contains("CAP_MAGIC"), "{error}");
}
