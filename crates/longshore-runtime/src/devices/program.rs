//! Device control on version 2 of control groups: a small program that the kernel asks whenever a
//! process of the group makes or opens a device. It knows the rules, and answers no to all else.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use syscalls::{Sysno, syscall3};

use super::{DeviceAccess, DeviceKind, DeviceRule, RULES};

// Numbers of the kernel's interface, `linux/bpf.h`.
const PROG_LOAD: usize = 5;
const PROG_ATTACH: usize = 8;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
/// Programs of the groups above and below this one are asked, too.
const ALLOW_MULTI: u32 = 2;
const TYPE_BLOCK: i32 = 1;
const TYPE_CHARACTER: i32 = 2;
const ACCESS_MAKE: i32 = 1;

const LOAD_WORD: u8 = 0x61;
const SET: u8 = 0xb7;
const COPY: u8 = 0xbf;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_UNLESS_EQUAL: u8 = 0x55;
const EXIT: u8 = 0x95;

const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const TYPE: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const BEYOND: u8 = 6;

/// One instruction, as the kernel takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Instruction {
    code: u8,
    /// Destination in the lower half, source in the upper.
    registers: u8,
    offset: i16,
    value: i32,
}

/// Attaches the program to a group, whose end is its end, too.
///
/// # Errors
/// The kernel refuses the program or the folder.
pub(super) fn attach(cgroup: BorrowedFd<'_>) -> io::Result<()> {
    let program = load(&program_of(&RULES))?;
    let attributes = AttachAttributes {
        target: cgroup.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        kind: ATTACH_CGROUP_DEVICE,
        flags: ALLOW_MULTI,
    };
    bpf(PROG_ATTACH, &attributes).map(|_| ())
}

/// The start of `union bpf_attr` for attaching; the kernel takes the rest as zeros.
#[repr(C)]
struct AttachAttributes {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// The start of `union bpf_attr` for loading; the kernel takes the rest as zeros.
#[repr(C)]
struct LoadAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
}

fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    let attributes = LoadAttributes {
        kind: PROG_TYPE_CGROUP_DEVICE,
        count: u32::try_from(program.len()).expect("a program of a few dozen instructions"),
        instructions: program.as_ptr() as u64,
        license: c"".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
    };
    let number = bpf(PROG_LOAD, &attributes)?;
    let number = i32::try_from(number).expect("the kernel numbers open files by i32");
    #[expect(unsafe_code, reason = "no safe way wraps what bpf(2) returns")]
    // SAFETY: the kernel just opened it for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn bpf<T>(command: usize, attributes: &T) -> io::Result<usize> {
    let address = std::ptr::from_ref(attributes) as usize;
    #[expect(unsafe_code, reason = "no safe way wraps bpf(2)")]
    // SAFETY: both commands only read the attributes, whose layout and size are the kernel's, and
    // what these point to, which the callers keep alive meanwhile.
    let answer = unsafe { syscall3(Sysno::bpf, command, address, size_of::<T>()) };
    answer.map_err(|errno| io::Error::from_raw_os_error(errno.into_raw()))
}

fn program_of(rules: &[DeviceRule]) -> Vec<Instruction> {
    let read = |register, offset| Instruction {
        offset,
        ..instruction(LOAD_WORD, register | CONTEXT << 4, 0)
    };
    let mut program = vec![
        read(TYPE, 0),
        read(MAJOR, 4),
        read(MINOR, 8),
        // The first word is the access, above the type.
        instruction(COPY, ACCESS | TYPE << 4, 0),
        instruction(SHIFT_RIGHT, ACCESS, 16),
        instruction(AND, TYPE, 0xffff),
    ];
    for rule in rules {
        program.extend(instructions_of(rule));
    }
    program.extend(answer(0));
    program
}

/// Answers yes if the rule fits, and goes on behind itself if not.
fn instructions_of(rule: &DeviceRule) -> Vec<Instruction> {
    let kind = match rule.kind {
        DeviceKind::Block => TYPE_BLOCK,
        DeviceKind::Character => TYPE_CHARACTER,
    };
    let mut tests = vec![(TYPE, kind)];
    let mut program = Vec::new();
    match rule.access {
        DeviceAccess::Any => {}
        DeviceAccess::Make => {
            program.push(instruction(COPY, BEYOND | ACCESS << 4, 0));
            program.push(instruction(AND, BEYOND, !ACCESS_MAKE));
            tests.push((BEYOND, 0));
        }
    }
    let number = |number: u32| number.cast_signed();
    tests.extend(rule.major.map(|major| (MAJOR, number(major))));
    tests.extend(rule.minor.map(|minor| (MINOR, number(minor))));
    let yes = answer(1);
    for (index, (register, wanted)) in tests.iter().enumerate() {
        let left = tests.len() - index - 1 + yes.len();
        program.push(Instruction {
            offset: i16::try_from(left).expect("a rule is a few instructions"),
            ..instruction(JUMP_UNLESS_EQUAL, *register, *wanted)
        });
    }
    program.extend(yes);
    program
}

fn answer(value: i32) -> [Instruction; 2] {
    [instruction(SET, ANSWER, value), instruction(EXIT, 0, 0)]
}

const fn instruction(code: u8, registers: u8, value: i32) -> Instruction {
    Instruction {
        code,
        registers,
        offset: 0,
        value,
    }
}

#[cfg(test)]
mod tests;
