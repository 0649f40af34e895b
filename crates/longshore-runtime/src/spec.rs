//! The OCI specification of one container, with everything that Docker gives a container.
//!
//! What libcontainer would do in an order of its own (capabilities, system call filter, working folder)
//! is left out for it: the last step inside the container does that. `oom_score_adj` is left out, too, since
//! libcontainer would set it for the supervisor: that step sets it to 0 as well.

mod mounts;
mod paths;
mod process;
mod resources;
mod tmpfs;

use std::path::Path;

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Linux, LinuxBuilder, LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType, RootBuilder,
    Spec, SpecBuilder,
};

use crate::account::Account;
use crate::capabilities::UnknownCapability;
use crate::cgroup::{Cgroup, Layout};
use crate::config::ContainerConfig;
use crate::devices;
use crate::seccomp::{self, SeccompError};
use crate::user::Standing;

pub(crate) use process::environment;

/// Where things of a container are on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    /// Its root, mounted.
    pub(crate) root: &'a Path,
    /// What becomes `/etc/hosts`.
    pub(crate) hosts: &'a Path,
    /// What becomes `/etc/hostname`.
    pub(crate) hostname: &'a Path,
    /// What becomes `/etc/resolv.conf`.
    pub(crate) resolv_conf: &'a Path,
    /// Its own folder, below which volumes without a name are.
    pub(crate) folder: &'a Path,
    /// Its control group.
    pub(crate) cgroup: &'a Cgroup,
    /// What its supervisor is to the machine.
    pub(crate) standing: Standing,
}

/// Who reads the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// libcontainer, in our supervisor.
    Library,
    /// A program such as runc.
    Binary,
}

/// Why a container has no specification.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    #[error("there is no limit of processes named {0}")]
    UnknownLimit(String),
    #[error("a tmpfs does not take the option {0}")]
    TmpfsOption(String),
    #[error(transparent)]
    UnknownCapability(#[from] UnknownCapability),
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
    #[error("cannot list the devices of this machine")]
    Devices(#[source] std::io::Error),
    #[error("the OCI types refuse it")]
    Oci(#[from] OciSpecError),
}

/// The specification of a container. Its network namespace is that of whoever starts it.
///
/// # Errors
/// Something in the configuration has no meaning, such as a limit by an unknown name.
pub(crate) fn of(
    config: &ContainerConfig,
    account: &Account,
    places: &Places<'_>,
    target: Target,
) -> Result<Spec, SpecError> {
    let root = RootBuilder::default()
        .path(places.root)
        .readonly(config.rootfs.read_only)
        .build()?;
    Ok(SpecBuilder::default()
        .root(root)
        .hostname(config.hostname.clone())
        .process(process::of(config, account, target)?)
        .mounts(mounts::of(config, places, target)?)
        .linux(linux(config, places, target)?)
        .build()?)
}

fn linux(
    config: &ContainerConfig,
    places: &Places<'_>,
    target: Target,
) -> Result<Linux, SpecError> {
    let layout = places.cgroup.layout();
    let mut linux = LinuxBuilder::default()
        .namespaces(namespaces(layout, target)?)
        .cgroups_path(places.cgroup.spec_path())
        .resources(resources::of(config, layout)?)
        .build()?;
    let is_privileged = config.process.privileged;
    let devices = if is_privileged {
        devices::of_this_machine().map_err(SpecError::Devices)?
    } else {
        Vec::new()
    };
    let (masked, read_only) = if is_privileged {
        (Vec::new(), Vec::new())
    } else {
        (paths::masked(), paths::read_only(layout, target))
    };
    linux
        .set_devices(Some(devices))
        .set_masked_paths(Some(masked))
        .set_readonly_paths(Some(read_only));
    match target {
        Target::Library => {}
        Target::Binary => {
            linux.set_seccomp(seccomp::to_oci(config)?);
        }
    }
    Ok(linux)
}

/// With version 1 of control groups the container sees the whole tree of them, as with Docker. What
/// the supervisor has made when it begins the container is not made once more.
fn namespaces(layout: &Layout, target: Target) -> Result<Vec<LinuxNamespace>, OciSpecError> {
    let mut kinds = vec![LinuxNamespaceType::Mount];
    match target {
        Target::Library => {}
        Target::Binary => kinds.extend([
            LinuxNamespaceType::Uts,
            LinuxNamespaceType::Pid,
            LinuxNamespaceType::Ipc,
        ]),
    }
    match layout {
        Layout::V1(_) => {}
        Layout::V2(_) | Layout::Closed => kinds.push(LinuxNamespaceType::Cgroup),
    }
    let namespaces = kinds.into_iter();
    namespaces
        .map(|kind| LinuxNamespaceBuilder::default().typ(kind).build())
        .collect()
}

#[cfg(test)]
mod tests;
