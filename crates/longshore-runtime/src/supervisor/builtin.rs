//! Making a container with libcontainer, which must not be called beside other threads: it changes
//! the folder that the whole process is in.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use longshore_core::limits;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use rustix::time::Timespec;

use super::refusal::{Call, Refusal};
use super::stage::Load;
use crate::entry::{Entry, GOING, LastSteps};
use crate::{ContainerConfig, Refused};

/// A container whose first process waits to be started.
pub(super) struct Created {
    container: Container,
    init: OwnedFd,
    report: OwnedFd,
}

/// Makes it. Nothing of the job runs yet.
pub(super) fn create(config: &ContainerConfig, load: Load) -> Result<Created, Refusal> {
    let (report, inlet) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).call("make a pipe")?;
    let supervisor = pidfd_open(getpid(), PidfdFlags::empty()).call("watch itself")?;
    let entry = Entry {
        supervisor,
        report: inlet,
        program: load.program,
        workdir: config.process.workdir.clone(),
        init: config.process.init,
        capabilities: load.capabilities,
        filter: load.filter,
        no_new_privileges: config.process.no_new_privileges,
    };
    let nothing = File::open("/dev/null").call("open /dev/null")?;
    // What the container has of all this is closed here when it is built: the report ends with its
    // last writer.
    let container = ContainerBuilder::new(config.name.clone(), SyscallType::default())
        .with_root_path(&load.bundle)?
        .with_executor(LastSteps(Rc::new(entry)))
        .with_stdin(nothing)
        .with_stdout(load.inlets.stdout)
        .with_stderr(load.inlets.stderr)
        .as_init(&load.bundle)
        .with_systemd(false)
        .with_detach(true)
        .build()?;
    let pid = container.pid().map(nix::unistd::Pid::as_raw);
    let pid = pid.and_then(Pid::from_raw).ok_or(Refusal::NoProcess)?;
    // This process has not waited for its child, so that the number is the child's still.
    let init = pidfd_open(pid, PidfdFlags::empty()).call("watch the container")?;
    Ok(Created {
        container,
        init,
        report,
    })
}

impl Created {
    /// Lets its program begin; returns what tells of its end.
    pub(super) fn start(mut self) -> Result<OwnedFd, Refusal> {
        self.container.start()?;
        let report = hear(self.report)?;
        let said = report.strip_prefix(&[GOING]).unwrap_or(&report);
        if said.is_empty() && !report.is_empty() {
            return Ok(self.init);
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
