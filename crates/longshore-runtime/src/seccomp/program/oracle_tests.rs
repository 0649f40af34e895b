//! The same rules go to libseccomp, which runc and Docker use, and both programs are asked about every
//! number of a call and every argument that a rule asks about. The library comes with `runc`, which
//! the engines of other tests need anyway.

use std::io::Write;
use std::process::{Command, Stdio};

use super::tests::{ALLOW, Call, NO_SUCH, NOT_PERMITTED, run, values};
use super::*;
use crate::capabilities::CapabilitySet;
use crate::config::ContainerConfig;
use crate::config::samples::config;
use crate::seccomp::profile::Profile;
use crate::seccomp::{DEFAULT, subject, to_oci};

const SCRIPT: &str = include_str!("libseccomp.py");
/// Numbers up to which every one is asked.
const LAST_NUMBER: u32 = 512;
/// Calls of x32 have this bit in their numbers.
const X32: u32 = 0x4000_0000;

/// What libseccomp makes of the rules, for more architectures if wanted, and names that it does not know.
fn of_libseccomp(config: &ContainerConfig, more: &[&str]) -> (Vec<Instruction>, Vec<String>) {
    let mut rules = serde_json::to_value(to_oci(config).unwrap().unwrap()).unwrap();
    let architectures = rules["architectures"].as_array_mut().unwrap();
    architectures.extend(more.iter().copied().map(Into::into));
    let rules = serde_json::to_vec(&rules).unwrap();
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3, which other tests need, too");
    python.stdin.take().unwrap().write_all(&rules).unwrap();
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let program = output.stdout.chunks_exact(8).map(|bytes| Instruction {
        code: u16::from_le_bytes([bytes[0], bytes[1]]),
        yes: bytes[2],
        no: bytes[3],
        value: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    });
    (program.collect(), said.lines().map(str::to_owned).collect())
}

/// Asks both; the number of questions and the number of steps that both took.
fn compare(capabilities: &[&str]) -> (usize, usize, usize) {
    let mut config = config();
    config.process.capabilities = CapabilitySet::of_names(capabilities).names();
    let profile = Profile::parse(DEFAULT).unwrap();
    let rules = profile
        .rules_for(subject(CapabilitySet::of(&config.process).unwrap()).unwrap())
        .unwrap();
    let ours = program_of(&rules).unwrap();
    let (theirs, unknown) = of_libseccomp(&config, &[]);
    assert!(unknown.len() < 20, "a few are too new for it: {unknown:?}");
    let (mut asked, mut our_steps, mut their_steps) = (0, 0, 0);
    for &architecture in &rules.architectures {
        let named = named(&rules, architecture);
        let newest = named.into_keys().rfind(|number| *number < APART).unwrap();
        let unknown = unknown
            .iter()
            .filter_map(|name| architecture.number_of(name));
        let unknown: Vec<u32> = unknown.collect();
        let known = (0..LAST_NUMBER).filter(|number| !unknown.contains(number));
        for call in known.flat_map(|number| calls(&rules, architecture, number)) {
            let (expected, steps) = run(&theirs, &call);
            let (verdict, own_steps) = run(&ours, &call);
            let newer = call.number > newest && verdict == NO_SUCH && expected == NOT_PERMITTED;
            assert!(
                verdict == expected || newer,
                "{call:?}: {verdict:#x}, {expected:#x}"
            );
            asked += 1;
            our_steps += own_steps;
            their_steps += steps;
        }
    }
    eprintln!(
        "{asked} calls: {} instructions and {our_steps} steps, libseccomp {} and {their_steps}",
        ours.len(),
        theirs.len()
    );
    (asked, our_steps, their_steps)
}

/// Every value that a rule asks for, for calls that rules ask about; two calls for others.
fn calls(rules: &Rules, architecture: Architecture, number: u32) -> Vec<Call> {
    let asks = rules.list.iter().filter(|rule| !rule.arguments.is_empty());
    let mut names = asks.flat_map(|rule| &rule.names);
    let is_asked = names.any(|name| architecture.number_of(name) == Some(number));
    let (indexes, values) = if is_asked {
        (6, values(rules))
    } else {
        (1, vec![0, u64::MAX])
    };
    let each = (0..indexes).flat_map(|index| values.iter().map(move |&value| (index, value)));
    let calls = each.map(|(index, value)| {
        let mut arguments = [0; 6];
        // Registers of these have 32 bits.
        let is_narrow = matches!(architecture, Architecture::X86 | Architecture::Arm);
        arguments[index] = if is_narrow {
            value & 0xffff_ffff
        } else {
            value
        };
        Call {
            number,
            audit: architecture.audit_number(),
            arguments,
        }
    });
    calls.collect()
}

#[test]
fn the_default_filter_judges_as_that_of_libseccomp() {
    for capabilities in [
        &[][..],
        &["CHOWN", "KILL", "SYS_CHROOT"],
        &["SYS_ADMIN"],
        &[
            "SYS_PTRACE",
            "SYS_TIME",
            "BPF",
            "PERFMON",
            "SYS_NICE",
            "SYSLOG",
            "SYS_RAWIO",
        ],
        &[
            "DAC_READ_SEARCH",
            "SYS_BOOT",
            "SYS_MODULE",
            "SYS_PACCT",
            "SYS_TTY_CONFIG",
        ],
    ] {
        let (asked, our_steps, their_steps) = compare(capabilities);
        assert!(asked > 2000);
        assert!(our_steps < their_steps, "it is no slower");
    }
}

/// Docker's list of architectures has it. The kernels of today have it switched off, and there is no
/// table of its calls here: none of them exists.
#[cfg(target_arch = "x86_64")]
#[test]
fn no_call_of_x32_is_allowed_where_libseccomp_allows_hundreds() {
    let config = config();
    let profile = Profile::parse(DEFAULT).unwrap();
    let capabilities = CapabilitySet::of(&config.process).unwrap();
    let rules = profile.rules_for(subject(capabilities).unwrap()).unwrap();
    let ours = program_of(&rules).unwrap();
    let (theirs, _) = of_libseccomp(&config, &["SCMP_ARCH_X32"]);
    let calls = (0..2 * LAST_NUMBER).map(|number| Call {
        number: X32 + number,
        audit: Architecture::X86_64.audit_number(),
        arguments: [0; 6],
    });
    let calls: Vec<Call> = calls.collect();
    assert!(calls.iter().all(|call| run(&ours, call).0 == NO_SUCH));
    let allowed = calls.iter().filter(|call| run(&theirs, call).0 == ALLOW);
    assert!(allowed.count() > 200);
}
