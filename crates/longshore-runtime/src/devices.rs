//! Which devices a container may make, read and write.

mod program;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    LinuxDevice, LinuxDeviceBuilder, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
};

use crate::cgroup::{Cgroup, Layout};
use crate::config::Process;
use crate::user::{self, Standing};

/// Why a container could not be held to its devices.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("this machine has no control group for devices")]
    NoController,
    #[error("cannot write the rules for devices")]
    Write(#[source] io::Error),
    #[error("cannot attach the program that controls devices")]
    Attach(#[source] io::Error),
}

/// Folders and files of `/dev` that every container has of its own.
const OWN: [&str; 8] = [
    "console", "core", "fd", "mqueue", "ptmx", "pts", "shm", "initctl",
];

/// Which devices a container reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that the rules allow.
    Ruled,
    /// All of the machine's.
    All,
}

impl Reach {
    /// That of a container in which this runs.
    pub(crate) fn of(process: &Process) -> Self {
        if process.privileged {
            Self::All
        } else {
            Self::Ruled
        }
    }
}

/// Devices of which a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRule {
    /// Character devices, or block devices.
    pub(crate) kind: DeviceKind,
    /// The first number; any if absent.
    pub(crate) major: Option<u32>,
    /// The second number; any if absent.
    pub(crate) minor: Option<u32>,
    /// What may be done with them.
    pub(crate) access: DeviceAccess,
}

/// What kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    /// A stream of bytes.
    Character,
    /// Something with blocks, as a disk.
    Block,
}

/// What may be done with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceAccess {
    /// Its node may be made, which alone opens nothing.
    Make,
    /// Its node may be made, read and written.
    Any,
}

/// What a container may do; all else is forbidden. The same as with Docker.
pub(crate) const RULES: [DeviceRule; 11] = [
    any_of(DeviceKind::Character),
    any_of(DeviceKind::Block),
    // null, zero, full, random, urandom
    character(1, Some(3)),
    character(1, Some(5)),
    character(1, Some(7)),
    character(1, Some(8)),
    character(1, Some(9)),
    // tty, console, ptmx, terminals
    character(5, Some(0)),
    character(5, Some(1)),
    character(5, Some(2)),
    character(136, None),
];

const fn any_of(kind: DeviceKind) -> DeviceRule {
    DeviceRule {
        kind,
        major: None,
        minor: None,
        access: DeviceAccess::Make,
    }
}

const fn character(major: u32, minor: Option<u32>) -> DeviceRule {
    DeviceRule {
        kind: DeviceKind::Character,
        major: Some(major),
        minor,
        access: DeviceAccess::Any,
    }
}

/// The rules as an OCI runtime takes them, the denial of everything first.
pub(crate) fn for_spec(reach: Reach) -> Result<Vec<LinuxDeviceCgroup>, OciSpecError> {
    let all = LinuxDeviceCgroupBuilder::default()
        .typ(LinuxDeviceType::A)
        .access("rwm");
    match reach {
        Reach::All => Ok(vec![all.allow(true).build()?]),
        Reach::Ruled => {
            let mut rules = vec![all.allow(false).build()?];
            for rule in RULES {
                rules.push(rule.to_oci()?);
            }
            Ok(rules)
        }
    }
}

/// Holds the container to its devices, whatever its OCI runtime did about them: to be called before its
/// program begins and not while it makes nodes, which nothing can for a moment.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn confine(cgroup: &Cgroup, reach: Reach) -> Result<(), DeviceError> {
    // An ordinary user's containers have those that are bound from the machine and can make none: it is
    // their rights that hold them.
    if user::standing() != Standing::Root {
        return Ok(());
    }
    match (reach, cgroup.layout()) {
        (Reach::All, Layout::V1(_) | Layout::V2(_)) | (_, Layout::Closed) => Ok(()),
        (Reach::Ruled, Layout::V1(_)) => {
            let mut folders = cgroup.folders().into_iter();
            let devices = folders.find(|(name, _)| name.split(',').any(|one| one == "devices"));
            let (_, folder) = devices.ok_or(DeviceError::NoController)?;
            write_rules(&folder).map_err(DeviceError::Write)
        }
        (Reach::Ruled, Layout::V2(_)) => {
            let (_, folder) = cgroup.folders().swap_remove(0);
            let folder = File::open(folder).map_err(DeviceError::Write)?;
            program::attach(folder.as_fd()).map_err(DeviceError::Attach)
        }
    }
}

fn write_rules(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("devices.deny"), "a")?;
    let mut allow = File::options()
        .write(true)
        .open(folder.join("devices.allow"))?;
    RULES
        .iter()
        .try_for_each(|rule| allow.write_all(rule.to_string().as_bytes()))
}

/// As version 1 of control groups takes it.
impl fmt::Display for DeviceRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            DeviceKind::Character => 'c',
            DeviceKind::Block => 'b',
        };
        let access = match self.access {
            DeviceAccess::Make => "m",
            DeviceAccess::Any => "rwm",
        };
        let number = |number: Option<u32>| number.map_or("*".to_owned(), |some| some.to_string());
        let (major, minor) = (number(self.major), number(self.minor));
        write!(formatter, "{kind} {major}:{minor} {access}")
    }
}

impl DeviceRule {
    fn to_oci(self) -> Result<LinuxDeviceCgroup, OciSpecError> {
        let kind = match self.kind {
            DeviceKind::Character => LinuxDeviceType::C,
            DeviceKind::Block => LinuxDeviceType::B,
        };
        let access = match self.access {
            DeviceAccess::Make => "m",
            DeviceAccess::Any => "rwm",
        };
        let mut rule = LinuxDeviceCgroupBuilder::default()
            .allow(true)
            .typ(kind)
            .access(access)
            .build()?;
        rule.set_major(self.major.map(i64::from));
        rule.set_minor(self.minor.map(i64::from));
        Ok(rule)
    }
}

/// Every device of this machine, which is what a privileged container has.
///
/// # Errors
/// `/dev` cannot be read.
pub(crate) fn of_this_machine() -> io::Result<Vec<LinuxDevice>> {
    let mut devices = Vec::new();
    walk(Path::new("/dev"), &mut devices)?;
    Ok(devices)
}

fn walk(folder: &Path, devices: &mut Vec<LinuxDevice>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if OWN.iter().any(|own| entry.file_name() == *own) {
            continue;
        }
        // Devices come and go: what is gone by now is passed over.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            walk(&entry.path(), devices)?;
        }
        devices.extend(device_at(&entry.path(), &metadata));
    }
    Ok(())
}

fn device_at(path: &Path, metadata: &fs::Metadata) -> Option<LinuxDevice> {
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => LinuxDeviceType::C,
        kind if kind.is_block_device() => LinuxDeviceType::B,
        _ => return None,
    };
    let number = metadata.rdev();
    LinuxDeviceBuilder::default()
        .path(path)
        .typ(kind)
        .major(rustix::fs::major(number))
        .minor(rustix::fs::minor(number))
        .file_mode(metadata.mode() & 0o777)
        .uid(metadata.uid())
        .gid(metadata.gid())
        .build()
        .ok()
}

#[cfg(test)]
mod tests;
