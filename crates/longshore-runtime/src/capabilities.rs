//! Capabilities: the parts that root's power is divided into, and which of them a container has.

use longshore_core::spec::Capability;
use oci_spec::runtime::Capabilities;
use rustix::io::Errno;
use rustix::thread::{
    self, CapabilitySet as Bits, CapabilitySets, capability_is_in_bounding_set,
    remove_capability_from_bounding_set,
};

use crate::config::Process;

const ALL: &str = "ALL";
const PREFIX: &str = "CAP_";

/// Without their prefix, by the number that the kernel gives them.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A name that no capability has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no capability {0}")]
pub(crate) struct UnknownCapability(String);

/// Why the process could not get the capabilities that it is to have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CapabilityError {
    #[error("this machine does not let containers have {0}")]
    Missing(String),
    #[error("cannot give up capabilities")]
    Kernel(#[from] Errno),
}

/// The capabilities of a container to which some are added and from which some are taken, by
/// Docker's rule: what is added wins over what is taken; `ALL` added is all that this process may
/// have itself, without those that are taken; `ALL` taken leaves those that are added.
pub fn resolve_capabilities(add: &[Capability], drop: &[Capability]) -> Vec<String> {
    let set = match (Wish::of(add), Wish::of(drop)) {
        (Wish::All, Wish::All) => CapabilitySet::available(),
        (Wish::All, Wish::These(dropped)) => CapabilitySet::available().without(dropped),
        (Wish::These(added), Wish::All) => added,
        (Wish::These(added), Wish::These(dropped)) => {
            CapabilitySet::of_docker().without(dropped).with(added)
        }
    };
    set.names()
}

enum Wish {
    All,
    These(CapabilitySet),
}

impl Wish {
    fn of(wanted: &[Capability]) -> Self {
        if wanted.iter().any(|capability| capability.name() == ALL) {
            return Self::All;
        }
        Self::These(CapabilitySet::those(|name| {
            wanted.iter().any(|capability| capability.name() == name)
        }))
    }
}

/// Some of the capabilities: a bit for each, at the number that the kernel gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CapabilitySet(u64);

impl CapabilitySet {
    /// Those that this process of a container has.
    pub(crate) fn of(process: &Process) -> Result<Self, UnknownCapability> {
        if process.privileged {
            return Ok(Self::available());
        }
        Self::parse(&process.capabilities)
    }

    /// Those of these names, which go with or without `CAP_`.
    fn parse(names: &[String]) -> Result<Self, UnknownCapability> {
        names.iter().try_fold(Self::default(), |set, name| {
            let number = number_of(name).ok_or_else(|| UnknownCapability(name.clone()))?;
            Ok(set.with(Self(1 << number)))
        })
    }

    /// Those that this process may have and hand on.
    pub(crate) fn available() -> Self {
        Self((0..NAMES.len()).fold(0, |bits, number| {
            let one = 1 << number;
            let held = capability_is_in_bounding_set(Bits::from_bits_retain(one));
            bits | if held.unwrap_or(false) { one } else { 0 }
        }))
    }

    /// Is the capability of this name one of them?
    pub(crate) fn has(self, name: &str) -> bool {
        number_of(name).is_some_and(|number| self.0 & (1 << number) != 0)
    }

    /// Their names, in the order of the kernel's numbers.
    pub(crate) fn names(self) -> Vec<String> {
        self.short_names()
            .map(|name| format!("{PREFIX}{name}"))
            .collect()
    }

    /// As an OCI runtime takes them.
    pub(crate) fn to_oci(self) -> Capabilities {
        self.short_names()
            .map(|name| {
                name.parse()
                    .expect("the OCI types know every capability of the table")
            })
            .collect()
    }

    /// Gives up all others for this thread and what it executes, for good. Nothing is inherited by
    /// way of the inheritable or ambient sets.
    ///
    /// # Errors
    /// One of them is not this thread's to keep, or the kernel refuses.
    pub(crate) fn drop_to(self) -> Result<(), CapabilityError> {
        let permitted = Self(thread::capabilities(None)?.permitted.bits());
        let missing = self.without(permitted);
        if missing != Self::default() {
            return Err(CapabilityError::Missing(missing.names().join(", ")));
        }
        // Also those that a newer kernel has and this table has not.
        for number in 0..u64::BITS {
            let one = Bits::from_bits_retain(1 << number);
            if self.0 & one.bits() != 0 {
                continue;
            }
            match remove_capability_from_bounding_set(one) {
                // The kernel has none of this number, nor of any behind it.
                Err(Errno::INVAL) => break,
                removed => removed?,
            }
        }
        thread::clear_ambient_capability_set()?;
        let kept = Bits::from_bits_retain(self.0);
        thread::set_capabilities(
            None,
            CapabilitySets {
                effective: kept,
                permitted: kept,
                inheritable: Bits::empty(),
            },
        )?;
        Ok(())
    }

    /// What every container of Docker has unless it is told otherwise.
    pub(crate) fn of_docker() -> Self {
        Self::those(|name| name.parse().is_ok_and(Capability::is_default))
    }

    fn those(wanted: impl Fn(&str) -> bool) -> Self {
        let numbers = (0..NAMES.len()).filter(|&number| wanted(NAMES[number]));
        Self(numbers.fold(0, |bits, number| bits | (1 << number)))
    }

    fn short_names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |name| self.has(name))
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

fn number_of(name: &str) -> Option<usize> {
    let short = name.strip_prefix(PREFIX).unwrap_or(name);
    NAMES.iter().position(|&known| known == short)
}

#[cfg(test)]
mod tests {
    use std::thread::scope;

    use super::*;

    impl CapabilitySet {
        /// Those of these names.
        pub(crate) fn of_names(names: &[&str]) -> Self {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            Self::parse(&names).unwrap()
        }
    }

    fn resolved(add: &[&str], drop: &[&str]) -> CapabilitySet {
        let [add, drop] = [add, drop].map(|names| {
            let parsed = names.iter().map(|name| name.parse::<Capability>());
            parsed.collect::<Result<Vec<_>, _>>().unwrap()
        });
        CapabilitySet::parse(&resolve_capabilities(&add, &drop)).unwrap()
    }

    #[test]
    fn the_default_set_is_dockers() {
        assert_eq!(resolved(&[], &[]).0, 0xa804_25fb);
    }

    #[test]
    fn what_is_dropped_is_gone_and_what_is_added_wins() {
        assert!(!resolved(&[], &["CHOWN"]).has("CAP_CHOWN"));
        assert!(resolved(&["CHOWN"], &["CHOWN"]).has("CAP_CHOWN"));
        assert!(resolved(&["SYS_PTRACE"], &[]).has("CAP_SYS_PTRACE"));
    }

    #[test]
    fn all_dropped_leaves_what_is_added() {
        assert_eq!(resolved(&["KILL"], &["ALL"]).names(), ["CAP_KILL"]);
        assert_eq!(resolved(&[], &["ALL"]), CapabilitySet::default());
    }

    #[test]
    fn all_added_is_what_this_process_may_have_without_those_dropped() {
        let all = CapabilitySet::available();
        assert_eq!(resolved(&["ALL"], &[]), all);
        assert_eq!(resolved(&["ALL"], &["ALL"]), all);
        assert_eq!(
            resolved(&["ALL"], &["NET_RAW"]),
            all.without(CapabilitySet::those(|name| name == "NET_RAW"))
        );
    }

    #[test]
    fn names_of_a_configuration_go_with_and_without_their_prefix() {
        for name in ["CAP_BPF", "BPF"] {
            assert_eq!(CapabilitySet::parse(&[name.to_owned()]).unwrap().0, 1 << 39);
        }
        for name in ["SYS_MAGIC", "", "CAP_", "CAP_CAP_KILL", "ALL"] {
            let refused = CapabilitySet::parse(&[name.to_owned()]);
            assert_eq!(refused, Err(UnknownCapability(name.to_owned())));
        }
    }

    #[test]
    fn the_table_has_what_a_job_may_ask_for() {
        for name in NAMES {
            assert_eq!(name.parse::<Capability>().unwrap().name(), name);
        }
    }

    #[test]
    fn the_oci_types_know_each_of_them() {
        assert_eq!(CapabilitySet(!0).to_oci().len(), NAMES.len());
    }

    #[test]
    fn a_thread_that_drops_has_these_and_no_others() {
        let wanted = CapabilitySet::of_docker();
        let (bounding, sets) = in_a_thread(move || {
            wanted.drop_to().unwrap();
            (
                CapabilitySet::available(),
                thread::capabilities(None).unwrap(),
            )
        });
        assert_eq!(bounding, wanted);
        assert_eq!(sets.effective.bits(), wanted.0);
        assert_eq!(sets.permitted.bits(), wanted.0);
        assert_eq!(sets.inheritable.bits(), 0);
    }

    #[test]
    fn what_the_machine_withholds_is_named() {
        let error = in_a_thread(|| {
            CapabilitySet::of_docker().drop_to().unwrap();
            let wanted = CapabilitySet::those(|name| name == "SYS_ADMIN");
            wanted.drop_to().unwrap_err()
        });
        assert!(error.to_string().contains("CAP_SYS_ADMIN"), "{error}");
    }

    /// Capabilities are a thread's own, so that a test may give its away.
    fn in_a_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
        scope(|scope| scope.spawn(run).join().unwrap())
    }
}
