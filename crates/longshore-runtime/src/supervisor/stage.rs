//! All that is set up before the container is made: what goes with this process, and what it is to
//! be told.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::sched::CloneFlags;
use oci_spec::runtime::Spec;
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

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
    /// Its root.
    pub(super) root: File,
    /// Where that is.
    pub(super) root_path: PathBuf,
    pub(super) spec: Spec,
    /// Groups that its user belongs to; none where those of whoever runs it stay.
    pub(super) groups: Option<Vec<u32>>,
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
        // Programs may be executed for it, which must not be the first of the namespace of processes.
        let address = network::enter(config.network)?;
        namespaces(target, &config.hostname)?;
        let cgroup = cleaning::cgroup(&config.name)?;
        own_groups(&cgroup)?;
        let place = place_of(folder);
        let bundle = in_memory(place)?;
        let root = bundle.join("root");
        fs::create_dir(&root).tried("make", &root)?;
        overlay::mount(folder, &config.rootfs, &place.join(SKELETON), &root)?;
        let opened = File::open(&root).tried("open", &root)?;
        volumes::fill(folder, opened.as_fd(), &config.mounts)?;
        volumes::make_workdir(opened.as_fd(), config)?;
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
        let capabilities = CapabilitySet::of(&config.process)?;
        let filter = Filter::compile(config)?;
        let path = folder.log();
        let log = LogWriter::create(&path, config.log_limit_bytes).tried("write", &path)?;
        let (pump, inlets) = Pump::new(log).call("make a pipe")?;
        let program = program(config, &account)?;
        let load = Load {
            bundle,
            root: opened,
            root_path: root,
            spec,
            groups: user::may_set_groups().then_some(account.groups),
            program,
            capabilities,
            filter,
            inlets,
        };
        Ok(Self { cgroup, load, pump })
    }
}

/// What this process begins from here on is in namespaces of its own, where nobody else makes them.
/// Mounts of this process are seen by nobody else and go with it; new ones of the machine are seen.
fn namespaces(target: Target, hostname: &str) -> Result<(), Refusal> {
    let own = match target {
        Target::Library => {
            CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWPID
                | CloneFlags::CLONE_NEWIPC
                | CloneFlags::CLONE_NEWUTS
        }
        Target::Binary => CloneFlags::CLONE_NEWNS,
    };
    nix::sched::unshare(own).call("have namespaces of its own")?;
    if target == Target::Library {
        rustix::system::sethostname(hostname.as_bytes()).call("name the container's machine")?;
    }
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).call("keep mounts to itself")
}

/// Takes away what this process has mounted, of which nothing is in use any more. Whoever removes the
/// container's folder would have to wait for it otherwise, as busily as the kernel does.
pub(super) fn strike(folder: &Folder) {
    // What is left goes with this process.
    let _ = rustix::mount::unmount(place_of(folder).join(MOUNTS), UnmountFlags::DETACH);
}

/// Where all containers are.
fn place_of(folder: &Folder) -> &Path {
    folder.path().ancestors().nth(2).unwrap_or(folder.path())
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
    match rustix::mount::mount("cgroup2", GROUPS, "cgroup2", flags, None) {
        // They are shown there already.
        Err(Errno::BUSY) => Ok(()),
        outcome => outcome.call("show control groups of version 2"),
    }
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
