//! Who the processes of a job are and what the kernel lets them do.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};

/// User and group inside the container: `user[:group]`, names or numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserSpec {
    user: String,
    group: Option<String>,
}

text_value!(
    UserSpec,
    Integer,
    "a user as user[:group], names or numbers",
    "1000:1000"
);

impl UserSpec {
    /// The user's name or number.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The group's name or number.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }
}

impl FromStr for UserSpec {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        if !is_account(user) || !group.is_none_or(is_account) {
            let hint = "use user or user:group, names or numbers, such as 1000:1000";
            return Err(InvalidValue::new("user", text, hint));
        }
        Ok(Self {
            user: user.to_owned(),
            group: group.map(str::to_owned),
        })
    }
}

/// Engines take numbers up to 2³¹−1; names must fit into a line of `/etc/passwd`.
fn is_account(text: &str) -> bool {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    if is_number {
        return text.parse::<i32>().is_ok();
    }
    !text.starts_with('-')
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == ':')
}

impl fmt::Display for UserSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.user)?;
        match &self.group {
            Some(group) => write!(formatter, ":{group}"),
            None => Ok(()),
        }
    }
}

/// Linux capabilities that engines know.
const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

/// The capabilities that Docker gives to every container.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// A Linux capability, or `ALL`; prints without `CAP_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Capability(&'static str);

text_value!(
    Capability,
    Text,
    "a Linux capability with or without CAP_, or ALL",
    "NET_ADMIN"
);

impl Capability {
    /// The name without `CAP_`.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Whether Docker gives it to every container anyway.
    pub fn is_default(self) -> bool {
        DEFAULT_CAPABILITIES.contains(&self.0)
    }
}

impl FromStr for Capability {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.to_ascii_uppercase();
        if upper == "ALL" {
            return Ok(Self("ALL"));
        }
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        CAPABILITIES
            .into_iter()
            .find(|known| *known == name)
            .map(Self)
            .ok_or_else(|| {
                let hint = "use a Linux capability such as NET_ADMIN, or ALL";
                InvalidValue::new("capability", text, hint)
            })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// One security option of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecurityOption {
    /// Whether processes may gain rights that their parent lacks.
    NoNewPrivileges(bool),
    /// The filter of system calls: `builtin`, `unconfined`, or a profile as JSON text.
    Seccomp(String),
    /// The `AppArmor` profile, by name.
    AppArmor(String),
    /// An `SELinux` label, such as `type:svirt_t`, or `disable`.
    Label(String),
    /// Kernel paths that are hidden otherwise become visible.
    SystemPathsUnconfined,
}

text_value!(
    SecurityOption,
    Text,
    "a security option as key=value",
    "no-new-privileges"
);

impl SecurityOption {
    /// Whether it can take protection away, which only the pool's policy may permit.
    ///
    /// A profile or label of the user's own choice counts: what it permits is not ours to judge.
    pub fn weakens(&self) -> bool {
        match self {
            Self::NoNewPrivileges(on) => !on,
            Self::Seccomp(profile) => profile != "builtin",
            Self::AppArmor(profile) => profile != "docker-default",
            Self::Label(_) | Self::SystemPathsUnconfined => true,
        }
    }
}

impl FromStr for SecurityOption {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = match text.split_once(['=', ':']) {
            Some((key, value)) => (key, Some(value)),
            None => (text, None),
        };
        let option = match (key, value) {
            ("no-new-privileges", None | Some("true")) => Self::NoNewPrivileges(true),
            ("no-new-privileges", Some("false")) => Self::NoNewPrivileges(false),
            ("seccomp", Some(profile)) if is_seccomp_profile(profile) => {
                Self::Seccomp(profile.to_owned())
            }
            ("apparmor", Some(profile)) if is_plain(profile) => Self::AppArmor(profile.to_owned()),
            ("label", Some(label)) if is_plain(label) => Self::Label(label.to_owned()),
            ("systempaths", Some("unconfined")) => Self::SystemPathsUnconfined,
            _ => {
                let hint = "use no-new-privileges[=true|false], seccomp=builtin|unconfined|{JSON}, \
                            apparmor=PROFILE, label=LABEL or systempaths=unconfined";
                return Err(InvalidValue::new("security option", text, hint));
            }
        };
        Ok(option)
    }
}

/// The engine wants the profile itself; a file is read by whoever builds the spec.
fn is_seccomp_profile(text: &str) -> bool {
    matches!(text, "builtin" | "unconfined") || text.starts_with('{')
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl fmt::Display for SecurityOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNewPrivileges(on) => write!(formatter, "no-new-privileges={on}"),
            Self::Seccomp(profile) => write!(formatter, "seccomp={profile}"),
            Self::AppArmor(profile) => write!(formatter, "apparmor={profile}"),
            Self::Label(label) => write!(formatter, "label={label}"),
            Self::SystemPathsUnconfined => formatter.write_str("systempaths=unconfined"),
        }
    }
}
