//! Programs are interpreted as the kernel does and compared with what the rules mean, over every
//! system call and every argument that a rule asks about.

use super::*;
use crate::capabilities::CapabilitySet;
use crate::seccomp::DEFAULT;
use crate::seccomp::profile::{Profile, Rule, Subject};

pub(super) const ALLOW: u32 = 0x7fff_0000;
pub(super) const NOT_PERMITTED: u32 = 0x0005_0001;
pub(super) const NO_SUCH: u32 = 0x0005_0026;
const KILL: u32 = 0x8000_0000;

/// A call, as the kernel shows it to a filter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) audit: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    fn word(&self, at: u32) -> u32 {
        match at {
            NUMBER_AT => self.number,
            ARCHITECTURE_AT => self.audit,
            _ => {
                let index = usize::try_from((at - ARGUMENTS_AT) / 8).unwrap();
                let [upper, lower] = halves(self.arguments[index]);
                if at.is_multiple_of(8) { lower } else { upper }
            }
        }
    }
}

/// The verdict, and how many instructions it took.
pub(super) fn run(program: &[Instruction], call: &Call) -> (u32, usize) {
    let (mut accumulator, mut at, mut steps) = (0, 0, 0);
    loop {
        let step = program[at];
        at += 1;
        steps += 1;
        let jump = |is_so| usize::from(if is_so { step.yes } else { step.no });
        match step.code {
            LOAD => accumulator = call.word(step.value),
            AND => accumulator &= step.value,
            JUMP => at += usize::try_from(step.value).unwrap(),
            JUMP_IF_EQUAL => at += jump(accumulator == step.value),
            JUMP_IF_GREATER => at += jump(accumulator > step.value),
            JUMP_IF_NOT_LESS => at += jump(accumulator >= step.value),
            RETURN => return (step.value, steps),
            code => panic!("no instruction {code:#x}"),
        }
    }
}

fn subject(capabilities: &[&str], architecture: Architecture) -> Subject {
    Subject {
        capabilities: CapabilitySet::of_names(capabilities),
        architecture,
        kernel: (6, 1),
    }
}

fn rules_of(profile: &str, capabilities: &[&str], architecture: Architecture) -> Rules {
    let profile = Profile::parse(profile).unwrap();
    profile
        .rules_for(subject(capabilities, architecture))
        .unwrap()
}

/// The rules that speak of this name.
fn rules_about<'a>(rules: &'a Rules, name: &str) -> Vec<&'a Rule> {
    let all = rules.list.iter();
    all.filter(|rule| rule.names.iter().any(|one| one == name))
        .collect()
}

fn fits(argument: &Argument, arguments: &[u64; 6]) -> bool {
    let given = arguments[argument.index];
    match argument.op {
        LinuxSeccompOperator::ScmpCmpNe => given != argument.value,
        LinuxSeccompOperator::ScmpCmpEq => given == argument.value,
        LinuxSeccompOperator::ScmpCmpLt => given < argument.value,
        LinuxSeccompOperator::ScmpCmpLe => given <= argument.value,
        LinuxSeccompOperator::ScmpCmpGt => given > argument.value,
        LinuxSeccompOperator::ScmpCmpGe => given >= argument.value,
        LinuxSeccompOperator::ScmpCmpMaskedEq => given & argument.value == argument.value_two,
    }
}

/// What these rules say of a call with these arguments, as the first that fits does.
fn meaning(about: &[&Rule], arguments: &[u64; 6]) -> Option<Verdict> {
    let mut about = about.iter();
    let first = about.find(|rule| rule.arguments.iter().all(|one| fits(one, arguments)))?;
    Some(first.verdict)
}

/// Values around those that the rules ask about.
pub(super) fn values(rules: &Rules) -> Vec<u64> {
    let asked = rules.list.iter().flat_map(|rule| &rule.arguments);
    let mut values: Vec<u64> = asked
        .flat_map(|argument| [argument.value, argument.value_two])
        .flat_map(|value| {
            let upper = value | 1 << 40;
            [
                value,
                value.wrapping_add(1),
                value.wrapping_sub(1),
                !value,
                upper,
            ]
        })
        .chain([0, 1, 17, 0x0100_0011, 0x1000_0000, u64::MAX])
        .collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Every name of every table.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = syscalls::x86::Sysno::iter()
        .map(|call| call.name())
        .collect();
    names.extend(syscalls::x86_64::Sysno::iter().map(|call| call.name()));
    names.extend(syscalls::arm::Sysno::iter().map(|call| call.name()));
    names.extend(syscalls::aarch64::Sysno::iter().map(|call| call.name()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Compares the program with the rules; the number of calls that were compared.
fn check(rules: &Rules) -> usize {
    let program = program_of(rules).unwrap();
    let values = values(rules);
    let mut compared = 0;
    for &architecture in &rules.architectures {
        let newest = named(rules, architecture)
            .into_keys()
            .rfind(|number| *number < APART);
        for name in names() {
            let Some(number) = architecture.number_of(name) else {
                continue;
            };
            let about = rules_about(rules, name);
            let is_beyond = newest.is_none_or(|newest| number > newest && number < APART);
            let otherwise = if is_beyond && !rules.otherwise.permits() {
                NO_SUCH
            } else {
                number_of(rules.otherwise)
            };
            for (index, &value) in (0..6).flat_map(|index| values.iter().map(move |v| (index, v))) {
                let mut arguments = [0; 6];
                arguments[index] = value;
                let call = Call {
                    number,
                    audit: architecture.audit_number(),
                    arguments,
                };
                let expected = meaning(&about, &arguments).map_or(otherwise, number_of);
                assert_eq!(run(&program, &call).0, expected, "{name} {call:?}");
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn the_default_filter_judges_as_its_rules_mean() {
    for architecture in [Architecture::X86_64, Architecture::Aarch64] {
        for capabilities in [
            &[][..],
            &["CAP_CHOWN", "CAP_SYS_CHROOT"],
            &["CAP_SYS_ADMIN"],
            &["CAP_SYS_PTRACE", "CAP_SYS_TIME", "CAP_BPF", "CAP_PERFMON"],
        ] {
            assert!(check(&rules_of(DEFAULT, capabilities, architecture)) > 10_000);
        }
    }
}

#[test]
fn every_question_about_arguments_is_answered_over_64_bits() {
    for op in ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"] {
        for value in [0_u64, 1, 0xffff_ffff, 0x1_0000_0000, 0x7e02_0000, u64::MAX] {
            let profile = format!(
                r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                    {{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": [
                        {{"index": 0, "value": {value}, "op": "SCMP_CMP_{op}"}},
                        {{"index": 5, "value": {value}, "valueTwo": 1, "op": "SCMP_CMP_{op}"}}]}},
                    {{"names": ["read"], "action": "SCMP_ACT_TRAP", "args": [
                        {{"index": 2, "value": {value}, "op": "SCMP_CMP_{op}"}}]}}]}}"#
            );
            check(&rules_of(&profile, &[], Architecture::X86_64));
        }
    }
}

fn verdict_of(rules: &Rules, architecture: Architecture, name: &str, first: u64) -> u32 {
    let call = Call {
        number: architecture.number_of(name).unwrap(),
        audit: architecture.audit_number(),
        arguments: [first, 0, 0, 0, 0, 0],
    };
    run(&program_of(rules).unwrap(), &call).0
}

#[test]
fn a_program_without_rights_makes_no_namespaces() {
    let rules = rules_of(DEFAULT, &["CAP_CHOWN"], Architecture::X86_64);
    let judge = |name, first| verdict_of(&rules, Architecture::X86_64, name, first);
    assert_eq!(judge("clone", 0x11), ALLOW);
    assert_eq!(judge("clone", 0x1000_0011), NOT_PERMITTED);
    assert_eq!(judge("clone3", 0), NO_SUCH);
    assert_eq!(judge("unshare", 0), NOT_PERMITTED);
    assert_eq!(judge("mount", 0), NOT_PERMITTED);
    assert_eq!(judge("io_uring_setup", 0), NOT_PERMITTED);
    assert_eq!(judge("socket", 2), ALLOW);
    assert_eq!(judge("socket", 40), NOT_PERMITTED);
    assert_eq!(judge("ptrace", 0), ALLOW);
}

#[test]
fn a_program_with_rights_does() {
    let rules = rules_of(DEFAULT, &["CAP_SYS_ADMIN"], Architecture::X86_64);
    let judge = |name| verdict_of(&rules, Architecture::X86_64, name, 0x1000_0011);
    for name in ["clone", "clone3", "unshare", "mount", "setns"] {
        assert_eq!(judge(name), ALLOW, "{name}");
    }
}

#[test]
fn programs_of_other_cpus_are_judged_or_killed() {
    let rules = rules_of(DEFAULT, &[], Architecture::X86_64);
    assert_eq!(
        verdict_of(&rules, Architecture::X86, "mount", 0),
        NOT_PERMITTED
    );
    assert_eq!(verdict_of(&rules, Architecture::X86, "openat", 0), ALLOW);
    assert_eq!(verdict_of(&rules, Architecture::Aarch64, "openat", 0), KILL);
}

#[test]
fn a_call_that_is_newer_than_the_profile_does_not_exist() {
    let rules = rules_of(DEFAULT, &[], Architecture::X86_64);
    let program = program_of(&rules).unwrap();
    for number in [1000, 0x4000_0000, 0x4000_0001, u32::MAX] {
        let call = Call {
            number,
            audit: Architecture::X86_64.audit_number(),
            arguments: [0; 6],
        };
        assert_eq!(run(&program, &call).0, NO_SUCH, "{number}");
    }
}

const DENYING: &str = r#"{
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "syscalls": [
        {"names": ["socket", "shmget"], "action": "SCMP_ACT_ERRNO"},
        {"name": "getpid", "action": "SCMP_ACT_KILL_PROCESS"}
    ]
}"#;

#[test]
fn a_profile_that_denies_is_not_got_around_by_other_ways_into_the_kernel() {
    let rules = rules_of(DENYING, &[], Architecture::X86_64);
    let judge = |name, first| verdict_of(&rules, Architecture::X86, name, first);
    assert_eq!(judge("socket", 2), NOT_PERMITTED);
    assert_eq!(judge("socketcall", 1), NOT_PERMITTED);
    assert_eq!(judge("socketcall", 2), ALLOW);
    assert_eq!(judge("ipc", 23), NOT_PERMITTED);
    assert_eq!(judge("ipc", 0x0001_0017), NOT_PERMITTED);
    assert_eq!(judge("ipc", 21), ALLOW);
    assert_eq!(judge("getpid", 0), KILL);
    let x32 = Call {
        number: 0x4000_0000 + 41,
        audit: Architecture::X86_64.audit_number(),
        arguments: [2, 0, 0, 0, 0, 0],
    };
    assert_eq!(run(&program_of(&rules).unwrap(), &x32).0, NO_SUCH);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "args": [
            {"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]},
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["read"], "action": "SCMP_ACT_TRAP"}]}"#;
    let rules = rules_of(profile, &[], Architecture::X86_64);
    let judge = |name, first| verdict_of(&rules, Architecture::X86_64, name, first);
    assert_eq!(judge("read", 7), 0x0005_000d);
    assert_eq!(judge("read", 8), ALLOW);
    assert_eq!(judge("write", 8), NO_SUCH);
}

#[test]
fn two_questions_about_one_argument_are_alternatives() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},
            {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}"#;
    let rules = rules_of(profile, &[], Architecture::X86_64);
    let judge = |first| verdict_of(&rules, Architecture::X86_64, "personality", first);
    assert_eq!(
        [judge(0), judge(8), judge(1)],
        [ALLOW, ALLOW, NOT_PERMITTED]
    );
}

#[test]
fn the_program_of_the_default_is_short_and_quick() {
    let rules = rules_of(DEFAULT, &["CAP_CHOWN"], Architecture::X86_64);
    let program = program_of(&rules).unwrap();
    assert!(program.len() < 500, "{} instructions", program.len());
    let steps = |number| {
        let call = Call {
            number,
            audit: Architecture::X86_64.audit_number(),
            arguments: [0; 6],
        };
        run(&program, &call).1
    };
    let most = (0..470).map(steps).max().unwrap();
    assert!(most <= 24, "{most} steps");
}
