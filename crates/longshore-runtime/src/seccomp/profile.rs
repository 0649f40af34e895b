//! A profile as Docker takes it: rules by names of system calls, some only for certain capabilities,
//! architectures or kernels. [`Profile::rules_for`] leaves those that concern one container.

use oci_spec::runtime::{LinuxSeccompAction, LinuxSeccompFilterFlag, LinuxSeccompOperator};
use serde::Deserialize;

use super::SeccompError;
use super::architecture::Architecture;
use crate::capabilities::CapabilitySet;

/// `EPERM`, which is answered where nothing else is said.
const NOT_PERMITTED: u16 = 1;

/// A profile as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Profile {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u16>,
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    arch_map: Vec<Family>,
    #[serde(default)]
    pub(super) flags: Vec<LinuxSeccompFilterFlag>,
    #[serde(default)]
    syscalls: Vec<Entry>,
}

/// An architecture, and others whose programs run on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Family {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    /// As older profiles have it.
    name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    action: LinuxSeccompAction,
    errno_ret: Option<u16>,
    args: Option<Vec<Argument>>,
    #[serde(default, rename = "comment")]
    _comment: Option<String>,
    #[serde(default)]
    includes: Conditions,
    #[serde(default)]
    excludes: Conditions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Conditions {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// What is asked about one argument of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Argument {
    pub(super) index: usize,
    pub(super) value: u64,
    #[serde(default)]
    pub(super) value_two: u64,
    pub(super) op: LinuxSeccompOperator,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    Allow,
    Log,
    /// It fails with this number.
    Errno(u16),
    /// A tracer decides, and is told this number.
    Trace(u16),
    /// `SIGSYS`.
    Trap,
    KillThread,
    KillProcess,
}

impl Verdict {
    /// Does the call happen?
    pub(super) fn permits(self) -> bool {
        match self {
            Self::Allow | Self::Log => true,
            Self::Errno(_) | Self::Trace(_) | Self::Trap | Self::KillThread | Self::KillProcess => {
                false
            }
        }
    }

    fn of(action: LinuxSeccompAction, errno: Option<u16>) -> Result<Self, SeccompError> {
        let errno = errno.unwrap_or(NOT_PERMITTED);
        Ok(match action {
            LinuxSeccompAction::ScmpActAllow => Self::Allow,
            LinuxSeccompAction::ScmpActLog => Self::Log,
            LinuxSeccompAction::ScmpActErrno => Self::Errno(errno),
            LinuxSeccompAction::ScmpActTrace => Self::Trace(errno),
            LinuxSeccompAction::ScmpActTrap => Self::Trap,
            LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => {
                Self::KillThread
            }
            LinuxSeccompAction::ScmpActKillProcess => Self::KillProcess,
            LinuxSeccompAction::ScmpActNotify => return Err(SeccompError::Notify),
        })
    }
}

/// What becomes of the calls of these names when all of the arguments fit.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) names: Vec<String>,
    pub(super) verdict: Verdict,
    pub(super) arguments: Vec<Argument>,
}

/// The part of a profile that concerns one container: the first rule that fits decides.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
    /// Where no rule fits.
    pub(super) otherwise: Verdict,
    /// Whose calls are judged. Programs of others are killed.
    pub(super) architectures: Vec<Architecture>,
}

/// For whom a profile is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) capabilities: CapabilitySet,
    pub(super) architecture: Architecture,
    /// Version of the kernel: its first two numbers.
    pub(super) kernel: (u32, u32),
}

impl Profile {
    pub(super) fn parse(text: &str) -> Result<Self, SeccompError> {
        serde_json::from_str(text).map_err(SeccompError::NoProfile)
    }

    /// Names in it that no system call has, where this kind of CPU is concerned; what they would permit
    /// stays forbidden.
    ///
    /// # Errors
    /// One of them is to be forbidden where all else is permitted.
    pub(super) fn unknown(&self, native: Architecture) -> Result<Vec<String>, SeccompError> {
        let permits = Verdict::of(self.default_action, self.default_errno_ret)?.permits();
        let mut unknown = Vec::new();
        for entry in self.syscalls.iter().filter(|entry| entry.is_for(native)) {
            let forbids = !Verdict::of(entry.action, entry.errno_ret)?.permits();
            for name in entry.all_names() {
                if Architecture::knows_anywhere(name) {
                    continue;
                }
                if forbids && permits {
                    return Err(SeccompError::UnknownCall(name.clone()));
                }
                unknown.push(name.clone());
            }
        }
        Ok(unknown)
    }

    /// The rules that hold for this container.
    pub(super) fn rules_for(&self, subject: Subject) -> Result<Rules, SeccompError> {
        let otherwise = Verdict::of(self.default_action, self.default_errno_ret)?;
        let mut rules = Rules {
            list: Vec::new(),
            otherwise,
            architectures: self.architectures_for(subject.architecture),
        };
        for entry in &self.syscalls {
            if entry.concerns(subject)? {
                rules.add(entry)?;
            }
        }
        Ok(rules)
    }

    /// The native one, and those that the profile names beside it. Those without a table here are
    /// left out: programs of theirs are killed.
    fn architectures_for(&self, native: Architecture) -> Vec<Architecture> {
        let families = self.arch_map.iter();
        let of_native = families.filter(|family| family.architecture == native.profile_name());
        let beside = of_native.flat_map(|family| family.sub_architectures.iter().flatten());
        let named: Vec<&String> = beside.chain(&self.architectures).collect();
        let mut all = vec![native];
        all.extend(Architecture::ALL.into_iter().filter(|each| {
            *each != native && named.iter().any(|name| *name == each.profile_name())
        }));
        all
    }
}

impl Rules {
    fn add(&mut self, entry: &Entry) -> Result<(), SeccompError> {
        let verdict = Verdict::of(entry.action, entry.errno_ret)?;
        let names: Vec<String> = entry.all_names().cloned().collect();
        let arguments = entry.args.clone().unwrap_or_default();
        if let Some(wrong) = arguments.iter().find(|argument| argument.index > 5) {
            return Err(SeccompError::NoArgument(wrong.index));
        }
        let rule = |arguments| Rule {
            names: names.clone(),
            verdict,
            arguments,
        };
        // Docker takes two questions about the same argument for alternatives.
        if has_twins(&arguments) {
            self.list
                .extend(arguments.iter().map(|one| rule(vec![*one])));
        } else {
            self.list.push(rule(arguments));
        }
        Ok(())
    }
}

fn has_twins(arguments: &[Argument]) -> bool {
    let indexes = arguments.iter().map(|argument| argument.index);
    (0..=5).any(|index| indexes.clone().filter(|each| *each == index).count() > 1)
}

impl Entry {
    fn all_names(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(&self.name)
    }

    fn is_for(&self, native: Architecture) -> bool {
        let names = |arches: &Vec<String>| arches.iter().any(|name| name == native.rule_name());
        let included = self.includes.arches.as_ref();
        included.filter(|all| !all.is_empty()).is_none_or(names)
            && !self.excludes.arches.as_ref().is_some_and(names)
    }

    fn concerns(&self, subject: Subject) -> Result<bool, SeccompError> {
        let holds = |name: &String| subject.capabilities.has(name);
        let (included, excluded) = (&self.includes, &self.excludes);
        let kernel_is_in = match &included.min_kernel {
            Some(least) => subject.kernel >= version_of(least)?,
            None => true,
        };
        let kernel_is_out = match &excluded.min_kernel {
            Some(least) => subject.kernel >= version_of(least)?,
            None => false,
        };
        Ok(self.is_for(subject.architecture)
            && included.caps.iter().flatten().all(holds)
            && !excluded.caps.iter().flatten().any(holds)
            && kernel_is_in
            && !kernel_is_out)
    }
}

/// The first two numbers of a version, such as `5.10`.
pub(super) fn version_of(text: &str) -> Result<(u32, u32), SeccompError> {
    let mut numbers = text.split(|each: char| !each.is_ascii_digit());
    let mut number = || numbers.next()?.parse().ok();
    match (number(), number()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(SeccompError::NoVersion(text.to_owned())),
    }
}
