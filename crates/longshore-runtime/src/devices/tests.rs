//! A group of version 1 on this machine is held to the rules; those of version 2 are tested beside
//! their program.

use std::process::Command;

use super::*;

/// The group for devices of a container that is none, gone at the end.
struct Group(Cgroup);

impl Group {
    fn new(name: &str) -> Self {
        let name = format!("test-{name}-{}", std::process::id());
        let group = Self(Cgroup::named(&name).unwrap());
        fs::create_dir_all(group.folder()).unwrap();
        group
    }

    fn folder(&self) -> std::path::PathBuf {
        let mut folders = self.0.folders().into_iter();
        folders.find(|(name, _)| name == "devices").unwrap().1
    }

    /// Runs a line of shell in it; true if it succeeds.
    fn run(&self, line: &str) -> bool {
        let script = format!(
            "echo $$ > {}/cgroup.procs && {line}",
            self.folder().display()
        );
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        output.status.success()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.0.remove();
    }
}

#[test]
fn a_group_is_held_to_the_rules_whatever_it_was_allowed_before() {
    let group = Group::new("confined");
    confine(&group.0, Reach::Ruled).unwrap();
    let list = fs::read_to_string(group.folder().join("devices.list")).unwrap();
    let mut list: Vec<&str> = list.lines().collect();
    let mut rules = RULES.map(|rule| rule.to_string()).to_vec();
    list.sort_unstable();
    rules.sort_unstable();
    assert_eq!(list, rules);
    let folder = tempfile::tempdir().unwrap();
    let nodes = folder.path().display();
    assert!(group.run(&format!(
        "cd {nodes} && mknod log c 1 11 && mknod zero c 1 5"
    )));
    assert!(group.run(&format!("head -c 1 {nodes}/zero")));
    assert!(!group.run(&format!(": < {nodes}/log")));
}

#[test]
fn a_privileged_container_is_not_held() {
    let group = Group::new("free");
    confine(&group.0, Reach::All).unwrap();
    let list = fs::read_to_string(group.folder().join("devices.list")).unwrap();
    assert_eq!(list, "a *:* rwm\n");
}

#[test]
fn all_is_denied_before_anything_is_allowed() {
    let rules = for_spec(Reach::Ruled).unwrap();
    assert!(!rules[0].allow());
    assert!(rules[1..].iter().all(LinuxDeviceCgroup::allow));
    assert_eq!(rules.len(), RULES.len() + 1);
}

#[test]
fn the_devices_of_this_machine_have_their_numbers() {
    let devices = of_this_machine().unwrap();
    let null = devices
        .iter()
        .find(|one| one.path() == Path::new("/dev/null"));
    let null = null.unwrap();
    assert_eq!((null.major(), null.minor()), (1, 3));
    assert!(
        devices
            .iter()
            .all(|one| !one.path().starts_with("/dev/pts"))
    );
}
