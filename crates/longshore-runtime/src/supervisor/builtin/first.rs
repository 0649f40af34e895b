//! The first process of a container, up to where libcontainer takes it over.

use std::os::fd::OwnedFd;

use libcontainer::process::args::ContainerArgs;
use libcontainer::process::channel::{self, InitReceiver, MainSender};
use libcontainer::process::init::container_init_process;
use longshore_core::with_causes;
use nix::unistd::{ForkResult, fork};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::cgroup::Cgroup;
use crate::entry;
use crate::supervisor::refusal::{Call, Refusal};

/// Begins it, as a child of this process in the namespaces that this process has made. Returns when it
/// waits to be started.
pub(super) fn begin(arguments: &ContainerArgs, cgroup: &Cgroup) -> Result<OwnedFd, Refusal> {
    let (mut said, mut heard) = channel::main_channel()?;
    // Nothing is said to it: what could be is about hooks and network devices.
    let (answers, mut answered) = channel::init_channel()?;
    #[expect(
        unsafe_code,
        reason = "fork is only dangerous beside other threads, and there are none"
    )]
    let forked = unsafe { fork() }.call("make a process")?;
    let child = match forked {
        ForkResult::Parent { child } => child,
        ForkResult::Child => be(arguments, cgroup, &mut said, &mut answered),
    };
    said.close()?;
    answered.close()?;
    answers.close()?;
    // This process has not waited for its child, so that the number is the child's still.
    let init = Pid::from_raw(child.as_raw()).ok_or(Refusal::NoProcess)?;
    let init = pidfd_open(init, PidfdFlags::empty()).call("watch the container")?;
    heard.wait_for_init_ready()?;
    heard.close()?;
    Ok(init)
}

/// Is it, until the program of the job is executed. What goes wrong is said to the supervisor.
fn be(
    arguments: &ContainerArgs,
    cgroup: &Cgroup,
    said: &mut MainSender,
    answered: &mut InitReceiver,
) -> ! {
    if let Err(why) = try_be(arguments, cgroup, said, answered) {
        // There is nobody else to be told.
        let _ = said.exec_failed(why);
    }
    entry::exit(1)
}

fn try_be(
    arguments: &ContainerArgs,
    cgroup: &Cgroup,
    said: &mut MainSender,
    answered: &mut InitReceiver,
) -> Result<(), String> {
    // Before anything that takes memory.
    cgroup.enter().map_err(|why| with_causes(&why))?;
    let process = arguments.spec.process().as_ref();
    let limits = process.and_then(|process| process.rlimits().as_ref());
    let system = arguments.syscall.create_syscall();
    for limit in limits.into_iter().flatten() {
        system.set_rlimit(limit).map_err(|why| with_causes(&why))?;
    }
    container_init_process(arguments, said, answered).map_err(|why| with_causes(&why))
}
