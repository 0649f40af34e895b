//! Kinds of CPU: what the kernel calls them in a filter, and their tables of system calls.

use syscalls::{aarch64, arm, x86, x86_64};

/// A call that stands for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Multiplexed {
    /// Its name.
    pub(super) call: &'static str,
    /// Bits of its first argument.
    pub(super) mask: u64,
    /// What these are when it stands for the other one.
    pub(super) value: u64,
}

const SOCKET_CALLS: [(&str, u64); 20] = [
    ("socket", 1),
    ("bind", 2),
    ("connect", 3),
    ("listen", 4),
    ("accept", 5),
    ("getsockname", 6),
    ("getpeername", 7),
    ("socketpair", 8),
    ("send", 9),
    ("recv", 10),
    ("sendto", 11),
    ("recvfrom", 12),
    ("shutdown", 13),
    ("setsockopt", 14),
    ("getsockopt", 15),
    ("sendmsg", 16),
    ("recvmsg", 17),
    ("accept4", 18),
    ("recvmmsg", 19),
    ("sendmmsg", 20),
];

const IPC_CALLS: [(&str, u64); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

/// A kind of CPU whose system calls a filter judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Architecture {
    X86,
    X86_64,
    Arm,
    Aarch64,
}

impl Architecture {
    pub(super) const ALL: [Self; 4] = [Self::X86, Self::X86_64, Self::Arm, Self::Aarch64];

    /// The one that this program was built for, if filters can be made for it.
    pub(super) fn native() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// Its name in the rules of a profile.
    pub(super) fn rule_name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X86_64 => "amd64",
            Self::Arm => "arm",
            Self::Aarch64 => "arm64",
        }
    }

    /// Its name in the list of architectures of a profile.
    pub(super) fn profile_name(self) -> &'static str {
        match self {
            Self::X86 => "SCMP_ARCH_X86",
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::Arm => "SCMP_ARCH_ARM",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
        }
    }

    /// `AUDIT_ARCH_…` of the kernel.
    pub(super) fn audit_number(self) -> u32 {
        match self {
            Self::X86 => 0x4000_0003,
            Self::X86_64 => 0xc000_003e,
            Self::Arm => 0x4000_0028,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// The number of a system call; nothing if this kind of CPU has none of that name.
    pub(super) fn number_of(self, call: &str) -> Option<u32> {
        let number = match self {
            Self::X86 => call.parse::<x86::Sysno>().ok()?.id(),
            Self::X86_64 => call.parse::<x86_64::Sysno>().ok()?.id(),
            Self::Arm => call.parse::<arm::Sysno>().ok()?.id(),
            Self::Aarch64 => call.parse::<aarch64::Sysno>().ok()?.id(),
        };
        u32::try_from(number).ok()
    }

    /// The number from which on calls are of another kind, x32, which has no table here.
    pub(super) fn end(self) -> Option<u32> {
        match self {
            Self::X86_64 => Some(0x4000_0000),
            Self::X86 | Self::Arm | Self::Aarch64 => None,
        }
    }

    /// Where one call stands for many, as those of sockets on x86: that call, and which bits of its
    /// first argument have which value when it stands for this one.
    pub(super) fn multiplexed(self, call: &str) -> Option<Multiplexed> {
        match self {
            Self::X86 => {}
            Self::X86_64 | Self::Arm | Self::Aarch64 => return None,
        }
        let of = |calls: &[(&str, u64)]| {
            let mut calls = calls.iter();
            calls
                .find(|(name, _)| *name == call)
                .map(|(_, value)| *value)
        };
        let through = |name, mask| {
            move |value| Multiplexed {
                call: name,
                mask,
                value,
            }
        };
        let socket = of(&SOCKET_CALLS).map(through("socketcall", u64::MAX));
        // The upper half is a version.
        socket.or_else(|| of(&IPC_CALLS).map(through("ipc", 0xffff)))
    }

    /// Is it the name of a system call anywhere?
    pub(super) fn knows_anywhere(call: &str) -> bool {
        Self::ALL
            .into_iter()
            .any(|each| each.number_of(call).is_some())
    }
}
