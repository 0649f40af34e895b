//! All that is set up before the container is made: what goes with this process, and what it is to
//! be told.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::sched::CloneFlags;
use rustix::mount::{MountFlags, MountPropagationFlags};

use super::pump::{Inlets, Pump};
use super::refusal::{Call, Refusal};
use crate::account::{self, Account};
use crate::capabilities::CapabilitySet;
use crate::cgroup::{Cgroup, Layout, ROOT as GROUPS};
use crate::entry::Program;
use crate::error::Tried;
use crate::etc::{self, Machine};
use crate::folder::Folder;
use crate::log::LogWriter;
use crate::runtime::{MOUNTS, SKELETON};
use crate::seccomp::Filter;
use crate::spec::{self, Places, Target};
use crate::user;
use crate::{ContainerConfig, cleaning, network, overlay, volumes};

/// A container that can be made.
pub(super) struct Stage {
    pub(super) cgroup: Cgroup,
    pub(super) load: Load,
    pub(super) pump: Pump,
}

/// What goes into it.
pub(super) struct Load {
    /// The folder that a runtime calls a bundle.
    pub(super) bundle: PathBuf,
    pub(super) program: Program,
    pub(super) capabilities: CapabilitySet,
    pub(super) filter: Option<Filter>,
    pub(super) inlets: Inlets,
}

impl Stage {
    /// Sets everything up.
    pub(super) fn set(
        folder: &Folder,
        config: &ContainerConfig,
        target: Target,
    ) -> Result<Self, Refusal> {
        own_mounts()?;
        let cgroup = cleaning::cgroup(&config.name)?;
        own_groups(&cgroup)?;
        let address = network::enter(config.network)?;
        let place = folder.path().ancestors().nth(2).unwrap_or(folder.path());
        let bundle = in_memory(place)?;
        let root = bundle.join("root");
        fs::create_dir(&root).tried("make", &root)?;
        overlay::mount(folder, &config.rootfs, &place.join(SKELETON), &root)?;
        let opened = File::open(&root).tried("open", &root)?;
        volumes::fill(folder, opened.as_fd(), &config.mounts)?;
        volumes::make_workdir(folder, opened.as_fd(), config)?;
        let mut account = account::resolve(opened.as_fd(), config.process.user.as_deref())?;
        if !user::knows(account.uid, account.gid) {
            let Account { uid, gid, .. } = account;
            return Err(Refusal::UnknownUser { uid, gid });
        }
        if !user::may_set_groups() {
            account.groups.clear();
        }
        let names = etc::texts(config, address, &Machine::usual())?;
        let [hosts, hostname, resolv_conf] = [
            ("hosts", &names.hosts),
            ("hostname", &names.hostname),
            ("resolv.conf", &names.resolv_conf),
        ]
        .map(|(name, text)| {
            let path = bundle.join(name);
            fs::write(&path, text).tried("write", &path).map(|()| path)
        });
        let places = Places {
            root: &root,
            hosts: &hosts?,
            hostname: &hostname?,
            resolv_conf: &resolv_conf?,
            folder: folder.path(),
            cgroup: &cgroup,
            standing: user::standing(),
        };
        let spec = spec::of(config, &account, &places, target)?;
        let path = bundle.join("config.json");
        fs::write(&path, crate::folder::json(&spec)).tried("write", &path)?;
        let capabilities = CapabilitySet::of(&config.process)?;
        let filter = Filter::compile(config)?;
        let path = folder.log();
        let log = LogWriter::create(&path, config.log_limit_bytes).tried("write", &path)?;
        let (pump, inlets) = Pump::new(log).call("make a pipe")?;
        let load = Load {
            bundle,
            program: program(config, &account)?,
            capabilities,
            filter,
            inlets,
        };
        Ok(Self { cgroup, load, pump })
    }
}

/// Mounts of this process are seen by nobody else and go with it; new ones of the machine are seen.
fn own_mounts() -> Result<(), Refusal> {
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).call("have mounts of its own")?;
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).call("keep mounts to itself")
}

/// Where a user was given no control groups, libcontainer is shown version 2 of them: there it bears
/// that it may not make any.
fn own_groups(cgroup: &Cgroup) -> Result<(), Refusal> {
    match cgroup.layout() {
        Layout::V1(_) | Layout::V2(_) => return Ok(()),
        Layout::Closed => {}
    }
    nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP).call("see no control groups but its own")?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("cgroup2", GROUPS, "cgroup2", flags, None)
        .call("show control groups of version 2")
}

/// A folder for what is as short-lived as this process.
fn in_memory(place: &Path) -> Result<PathBuf, Refusal> {
    let place = place.join(MOUNTS);
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("longshore", &place, "tmpfs", flags, c"mode=700,size=16m")
        .tried("mount a file system in memory at", &place)?;
    Ok(place)
}

fn program(config: &ContainerConfig, account: &Account) -> Result<Program, Refusal> {
    let environment = spec::environment(config, account).into_iter();
    let environment: Vec<String> = environment
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(Program::new(&config.process.argv, &environment)?)
}
