//! Making a container with libcontainer, which must not be called beside other threads: it changes
//! the folder that the whole process is in.
//!
//! libcontainer's first process of a container is what runs here. What it would do before that, in two
//! processes of its own, is done here instead, where it takes a fraction of the time: it would read
//! back the specification and the machine's mounts time and again.

mod first;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use libcgroups::common::CgroupConfig;
use libcontainer::notify_socket::{NotifyListener, NotifySocket};
use libcontainer::process::args::{ContainerArgs, ContainerType};
use libcontainer::syscall::syscall::SyscallType;
use longshore_core::limits;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::PipeFlags;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::time::Timespec;

use first::First;

use super::refusal::{Call, Refusal};
use super::stage::Load;
use crate::cgroup::Cgroup;
use crate::devices::{self, Reach};
use crate::entry::{Entry, GOING, LastSteps};
use crate::mounting::Shares;
use crate::{ContainerConfig, Refused};

/// A container whose first process waits to be started, or will.
pub(super) struct Created {
    socket: PathBuf,
    first: First,
    report: OwnedFd,
}

/// Makes it, or has its first process make what is left of it. Nothing of the job runs yet.
pub(super) fn create(
    config: &ContainerConfig,
    cgroup: &Cgroup,
    mut load: Load,
) -> Result<Created, Refusal> {
    let linux = load.spec.linux().as_ref();
    if let Some(resources) = linux.and_then(|linux| linux.resources().as_ref()) {
        cgroup.make(resources)?;
    }
    devices::confine(cgroup, Reach::of(&config.process))?;
    let mounts = load.spec.mounts().clone();
    let shares = Shares::of(mounts.unwrap_or_default());
    load.spec.set_mounts(Some(shares.library.clone()));
    let (report, inlet) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).call("make a pipe")?;
    let supervisor = pidfd_open(getpid(), PidfdFlags::empty()).call("watch itself")?;
    let entry = Entry {
        supervisor,
        report: inlet,
        groups: load.groups,
        program: load.program,
        workdir: config.process.workdir.clone(),
        init: config.process.init,
        capabilities: load.capabilities,
        filter: load.filter,
        no_new_privileges: config.process.no_new_privileges,
    };
    let nothing = File::open("/dev/null").call("open /dev/null")?;
    let socket = load.bundle.join("start");
    let arguments = ContainerArgs {
        stdin: Some(nothing.as_raw_fd()),
        stdout: Some(load.inlets.stdout.as_raw_fd()),
        stderr: Some(load.inlets.stderr.as_raw_fd()),
        notify_listener: NotifyListener::new(&socket)?,
        executor: Box::new(LastSteps(Rc::new(entry))),
        container_type: ContainerType::InitContainer,
        syscall: SyscallType::default(),
        spec: Rc::new(load.spec),
        rootfs: load.root_path,
        // Nobody asks about these.
        cgroup_config: CgroupConfig {
            cgroup_path: cgroup.spec_path(),
            systemd_cgroup: false,
            container_name: config.name.clone(),
        },
        container: None,
        console_socket: None,
        detached: true,
        as_sibling: false,
        no_pivot: false,
        pid_file: None,
        preserve_fds: 0,
        user_ns_config: None,
    };
    // What the container has of all this is closed here when this returns: the report ends with its
    // last writer.
    let first = First::begin(&arguments, cgroup, load.root.as_fd(), &shares)?;
    Ok(Created {
        socket,
        first,
        report,
    })
}

impl Created {
    /// Lets its program begin; returns what tells of its end.
    pub(super) fn start(self) -> Result<OwnedFd, Refusal> {
        let init = self.first.ready()?;
        NotifySocket::new(self.socket).notify_container_start()?;
        let report = hear(self.report)?;
        let said = report.strip_prefix(&[GOING]).unwrap_or(&report);
        if said.is_empty() && !report.is_empty() {
            return Ok(init);
        }
        Err(Refusal::Said(serde_json::from_slice(said).unwrap_or_else(
            |_| Refused {
                code: 125,
                message: KILLED.to_owned(),
            },
        )))
    }
}

const KILLED: &str = "the container was killed before its program began: \
                      its memory may be too small for that";

/// Everything that is said until nobody can say anything any more.
fn hear(report: OwnedFd) -> Result<Vec<u8>, Refusal> {
    let patience = Timespec::try_from(limits::LAUNCH_CALL).expect("a minute or two");
    let mut said = Vec::new();
    let mut report = File::from(report);
    loop {
        let mut polled = [PollFd::new(&report, PollFlags::IN)];
        if poll(&mut polled, Some(&patience)).call("hear of the start")? == 0 {
            return Err(Refusal::Silent);
        }
        let mut piece = [0; 4096];
        match report.read(&mut piece).call("hear of the start")? {
            0 => return Ok(said),
            length => said.extend_from_slice(&piece[..length]),
        }
    }
}
