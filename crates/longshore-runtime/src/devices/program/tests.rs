//! The program is interpreted against the rules, and attached to a group of this machine.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

const MAKE: u32 = 1;
const READ: u32 = 2;
const WRITE: u32 = 4;
const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;

/// What the program answers.
fn answer_to(access: u32, kind: u32, major: u32, minor: u32) -> bool {
    let program = program_of(&RULES);
    let context = [access << 16 | kind, major, minor];
    let mut registers = [0_i64; 11];
    let mut at = 0;
    loop {
        let step = program[at];
        let to = usize::from(step.registers & 15);
        let from = usize::from(step.registers >> 4);
        let value = i64::from(step.value);
        at += 1;
        match step.code {
            LOAD_WORD => registers[to] = context[usize::try_from(step.offset).unwrap() / 4].into(),
            SET => registers[to] = value,
            COPY => registers[to] = registers[from],
            AND => registers[to] &= value,
            SHIFT_RIGHT => registers[to] >>= value,
            JUMP_UNLESS_EQUAL if registers[to] == value => {}
            JUMP_UNLESS_EQUAL => at += usize::try_from(step.offset).unwrap(),
            EXIT => return registers[usize::from(ANSWER)] == 1,
            code => panic!("no instruction {code:#x}"),
        }
    }
}

/// What the rules say.
fn is_ruled_in(access: u32, kind: u32, major: u32, minor: u32) -> bool {
    RULES.iter().any(|rule| {
        let of_kind = match rule.kind {
            DeviceKind::Block => BLOCK,
            DeviceKind::Character => CHARACTER,
        };
        let allowed = match rule.access {
            DeviceAccess::Make => MAKE,
            DeviceAccess::Any => MAKE | READ | WRITE,
        };
        of_kind == kind
            && access & !allowed == 0
            && rule.major.is_none_or(|number| number == major)
            && rule.minor.is_none_or(|number| number == minor)
    })
}

#[test]
fn the_program_answers_as_the_rules_say() {
    for kind in [BLOCK, CHARACTER] {
        for access in 0..=(MAKE | READ | WRITE) {
            for major in (0..300).chain([0x7fff_ffff]) {
                for minor in (0..16).chain([200, 229, 255, 0x000f_ffff]) {
                    assert_eq!(
                        answer_to(access, kind, major, minor),
                        is_ruled_in(access, kind, major, minor),
                        "access {access} kind {kind} {major}:{minor}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_container_reads_null_and_makes_but_does_not_open_a_serial_port() {
    assert!(answer_to(READ | WRITE, CHARACTER, 1, 3));
    assert!(answer_to(MAKE, CHARACTER, 4, 64));
    assert!(!answer_to(READ, CHARACTER, 4, 64));
    assert!(!answer_to(MAKE | WRITE, BLOCK, 8, 0));
    assert!(!answer_to(READ | WRITE, CHARACTER, 10, 200));
}

/// A group of version 2, gone at the end.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
            .into_iter()
            .find(|root| Path::new(root).join("cgroup.controllers").exists())
            .expect("a mount of version 2 of control groups");
        let path = tempfile::Builder::new()
            .prefix("longshore-test-")
            .tempdir_in(root)
            .unwrap();
        Self(path.keep())
    }

    /// Runs a line of shell in it; true if it succeeds.
    fn run(&self, line: &str) -> bool {
        let script = format!("echo $$ > {}/cgroup.procs && {line}", self.0.display());
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        output.status.success()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn the_kernel_takes_the_program_and_keeps_to_it() {
    let group = Group::new();
    let folder = tempfile::tempdir().unwrap();
    let nodes = folder.path().display();
    let make = format!("cd {nodes} && mknod zero c 1 5 && mknod log c 1 11 && mknod disk b 7 0");
    assert!(group.run(&make));
    assert!(group.run(&format!("head -c 1 {nodes}/zero")));
    let _ = fs::remove_file(folder.path().join("log"));
    attach(fs::File::open(&group.0).unwrap().as_fd()).unwrap();
    assert!(group.run(&format!("cd {nodes} && mknod log c 1 11")));
    assert!(group.run(&format!("head -c 1 {nodes}/zero && : > /dev/null")));
    assert!(!group.run(&format!(": < {nodes}/log")));
    assert!(!group.run(&format!(": < {nodes}/disk")));
}
