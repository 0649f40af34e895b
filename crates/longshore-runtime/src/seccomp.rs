//! The filter of system calls: Docker's default profile or one of the user's, compiled without
//! libseccomp.

mod architecture;
mod profile;
mod program;

use std::sync::OnceLock;

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompBuilder, LinuxSeccompFilterFlag, LinuxSyscall, LinuxSyscallBuilder,
};
use rustix::io::Errno;
use syscalls::{Sysno, syscall3};

use crate::capabilities::{CapabilitySet, UnknownCapability};
use crate::config::{ContainerConfig, Seccomp};

use architecture::Architecture;
use profile::{Argument, Profile, Rule, Rules, Subject, Verdict};
use program::Instruction;

const DEFAULT: &str = include_str!("seccomp/default.json");
/// `SECCOMP_SET_MODE_FILTER` of the kernel.
const SET_FILTER: usize = 1;

/// Why a container has no filter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeccompError {
    #[error("the seccomp profile is none")]
    NoProfile(#[source] serde_json::Error),
    #[error("the seccomp profile forbids {0}, which is no system call that is known here")]
    UnknownCall(String),
    #[error("the seccomp profile asks about argument {0} of a call: they go from 0 to 5")]
    NoArgument(usize),
    #[error("the seccomp profile names the kernel {0}, which is no version")]
    NoVersion(String),
    #[error("the seccomp profile leaves decisions to another program (SCMP_ACT_NOTIFY)")]
    Notify,
    #[error("the seccomp profile makes a program of {0} instructions: the kernel takes 4096")]
    TooLong(usize),
    #[error("no filter of system calls can be made for this CPU: use seccomp=unconfined")]
    Architecture,
    #[error(transparent)]
    UnknownCapability(#[from] UnknownCapability),
    #[error("the OCI types refuse the seccomp profile")]
    Oci(#[from] OciSpecError),
    #[error("the kernel refuses the filter of system calls")]
    Install(#[source] std::io::Error),
}

/// What is wrong with a seccomp profile.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidProfile(#[from] SeccompError);

/// Reads a profile, the JSON text that Docker takes as `seccomp=FILE`. Names that it permits and that
/// no system call has: they stay forbidden.
///
/// # Errors
/// It is none, or cannot be kept to.
pub fn check_profile(text: &str) -> Result<Vec<String>, InvalidProfile> {
    let profile = Profile::parse(text)?;
    Ok(profile.unknown(native()?)?)
}

/// A filter, ready for the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    program: Vec<Instruction>,
    flags: usize,
}

/// What nearly every container has: the default profile's filter, for the capabilities that a
/// container has unless it is told otherwise.
static USUAL: OnceLock<(CapabilitySet, Filter)> = OnceLock::new();

/// Has the usual filter ready, for this process and its forks.
pub(crate) fn prepare() {
    let capabilities = CapabilitySet::of_docker();
    let profile = Profile::parse(DEFAULT);
    // A machine that it cannot be made for says so to whoever wants one.
    if let Ok(filter) = profile.and_then(|profile| Filter::of(&profile, capabilities)) {
        let _ = USUAL.set((capabilities, filter));
    }
}

/// What the kernel takes for a program.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

impl Filter {
    /// The filter of a container; none if it is unconfined.
    ///
    /// # Errors
    /// The profile is none, or cannot be kept to.
    pub(crate) fn compile(config: &ContainerConfig) -> Result<Option<Self>, SeccompError> {
        let capabilities = CapabilitySet::of(&config.process)?;
        match (&config.seccomp, USUAL.get()) {
            (Seccomp::Default, Some((usual, filter)))
                if !config.process.privileged && *usual == capabilities =>
            {
                Ok(Some(filter.clone()))
            }
            (Seccomp::Default | Seccomp::Unconfined | Seccomp::Profile(_), _) => {
                let profile = profile_of(config)?;
                let filter = profile.map(|profile| Self::of(&profile, capabilities));
                filter.transpose()
            }
        }
    }

    fn of(profile: &Profile, capabilities: CapabilitySet) -> Result<Self, SeccompError> {
        profile.unknown(native()?)?;
        let rules = profile.rules_for(subject(capabilities)?)?;
        Ok(Self {
            program: program::program_of(&rules)?,
            flags: profile.flags.iter().map(|flag| bit_of(*flag)).sum(),
        })
    }

    /// Holds this thread to the filter, and all that it begins, for good. The thread needs
    /// `CAP_SYS_ADMIN`, or must be unable to gain privileges.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn install(&self) -> Result<(), SeccompError> {
        let program = Program {
            length: u16::try_from(self.program.len()).expect("it was measured when compiled"),
            instructions: self.program.as_ptr(),
        };
        let address = std::ptr::from_ref(&program) as usize;
        #[expect(unsafe_code, reason = "no safe way wraps seccomp(2)")]
        // SAFETY: the kernel only reads the program, which lives until the call returns.
        let answer = unsafe { syscall3(Sysno::seccomp, SET_FILTER, self.flags, address) };
        match answer {
            Ok(_) => Ok(()),
            Err(errno) => {
                let errno = Errno::from_raw_os_error(errno.into_raw());
                Err(SeccompError::Install(errno.into()))
            }
        }
    }
}

/// The same for an OCI runtime that makes its filter itself.
///
/// # Errors
/// The profile is none, or cannot be kept to.
pub(crate) fn to_oci(config: &ContainerConfig) -> Result<Option<LinuxSeccomp>, SeccompError> {
    let Some(profile) = profile_of(config)? else {
        return Ok(None);
    };
    let rules = profile.rules_for(subject(CapabilitySet::of(&config.process)?)?)?;
    let calls: Result<Vec<_>, _> = rules.list.iter().map(call_of).collect();
    let (action, errno) = action_of(rules.otherwise);
    let mut seccomp = LinuxSeccompBuilder::default()
        .default_action(action)
        .architectures(architectures_of(&rules))
        .flags(profile.flags.clone())
        .syscalls(calls?)
        .build()?;
    seccomp.set_default_errno_ret(errno);
    Ok(Some(seccomp))
}

/// A privileged container is unconfined unless it has a profile of its own, as with Docker.
fn profile_of(config: &ContainerConfig) -> Result<Option<Profile>, SeccompError> {
    match &config.seccomp {
        Seccomp::Default if config.process.privileged => Ok(None),
        Seccomp::Unconfined => Ok(None),
        Seccomp::Default => Profile::parse(DEFAULT).map(Some),
        Seccomp::Profile(text) => Profile::parse(text).map(Some),
    }
}

fn native() -> Result<Architecture, SeccompError> {
    Architecture::native().ok_or(SeccompError::Architecture)
}

fn subject(capabilities: CapabilitySet) -> Result<Subject, SeccompError> {
    let uname = rustix::system::uname();
    Ok(Subject {
        capabilities,
        architecture: native()?,
        kernel: profile::version_of(&uname.release().to_string_lossy())?,
    })
}

/// `SECCOMP_FILTER_FLAG_…` of the kernel.
fn bit_of(flag: LinuxSeccompFilterFlag) -> usize {
    match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 1,
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => 2,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => 4,
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => 32,
    }
}

fn architectures_of(rules: &Rules) -> Vec<Arch> {
    let each = rules.architectures.iter();
    each.map(|architecture| match architecture {
        Architecture::X86 => Arch::ScmpArchX86,
        Architecture::X86_64 => Arch::ScmpArchX86_64,
        Architecture::Arm => Arch::ScmpArchArm,
        Architecture::Aarch64 => Arch::ScmpArchAarch64,
    })
    .collect()
}

fn call_of(rule: &Rule) -> Result<LinuxSyscall, OciSpecError> {
    let arguments: Result<Vec<_>, _> = rule.arguments.iter().map(argument_of).collect();
    let (action, errno) = action_of(rule.verdict);
    let mut call = LinuxSyscallBuilder::default()
        .names(rule.names.clone())
        .action(action)
        .args(arguments?)
        .build()?;
    call.set_errno_ret(errno);
    Ok(call)
}

fn argument_of(argument: &Argument) -> Result<LinuxSeccompArg, OciSpecError> {
    LinuxSeccompArgBuilder::default()
        .index(argument.index)
        .value(argument.value)
        .value_two(argument.value_two)
        .op(argument.op)
        .build()
}

fn action_of(verdict: Verdict) -> (LinuxSeccompAction, Option<u32>) {
    match verdict {
        Verdict::Allow => (LinuxSeccompAction::ScmpActAllow, None),
        Verdict::Log => (LinuxSeccompAction::ScmpActLog, None),
        Verdict::Errno(number) => (LinuxSeccompAction::ScmpActErrno, Some(number.into())),
        Verdict::Trace(number) => (LinuxSeccompAction::ScmpActTrace, Some(number.into())),
        Verdict::Trap => (LinuxSeccompAction::ScmpActTrap, None),
        Verdict::KillThread => (LinuxSeccompAction::ScmpActKillThread, None),
        Verdict::KillProcess => (LinuxSeccompAction::ScmpActKillProcess, None),
    }
}

#[cfg(test)]
mod tests;
