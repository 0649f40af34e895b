//! The first process of a container, up to where libcontainer takes it over.

use std::fs::File;
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};

use libcontainer::process::args::ContainerArgs;
use libcontainer::process::channel::{self, InitReceiver, MainReceiver, MainSender};
use libcontainer::process::init::container_init_process;
use longshore_core::with_causes;
use nix::unistd::{ForkResult, fork};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::cgroup::Cgroup;
use crate::entry;
use crate::mounting::{self, Shares};
use crate::supervisor::refusal::{Call, Refusal};

/// The first process of a container.
pub(super) struct First {
    process: OwnedFd,
    heard: MainReceiver,
}

impl First {
    /// Begins it, as a child of this process in the namespaces that this process has made.
    ///
    /// To come into a control group takes the kernel as long as all the rest, without a CPU: the mounts
    /// are made meanwhile.
    pub(super) fn begin(
        arguments: &ContainerArgs,
        cgroup: &Cgroup,
        root: BorrowedFd<'_>,
        shares: &Shares,
    ) -> Result<Self, Refusal> {
        let (said, heard) = channel::main_channel()?;
        // Nothing is said to it: what could be is about hooks and network devices.
        let (answers, answered) = channel::init_channel()?;
        let (mounted, are_mounted) = pipe_with(PipeFlags::CLOEXEC).call("make a pipe")?;
        let mut side = Side {
            arguments,
            cgroup,
            root,
            shares,
            mounted,
            said,
            answered,
        };
        #[expect(
            unsafe_code,
            reason = "fork is only dangerous beside other threads, and there are none"
        )]
        let forked = unsafe { fork() }.call("make a process")?;
        let child = match forked {
            ForkResult::Parent { child } => child,
            ForkResult::Child => {
                drop(are_mounted);
                side.be()
            }
        };
        side.said.close()?;
        side.answered.close()?;
        answers.close()?;
        // This process has not waited for its child, so that the number is the child's still.
        let process = Pid::from_raw(child.as_raw()).ok_or(Refusal::NoProcess)?;
        let process = pidfd_open(process, PidfdFlags::empty()).call("watch the container")?;
        mounting::mount_all(root, &shares.supervisor)?;
        // If nobody hears it, the reason for that is heard next.
        let _ = rustix::io::write(&are_mounted, b"!");
        Ok(Self { process, heard })
    }

    /// Returns when it waits to be started.
    pub(super) fn ready(mut self) -> Result<OwnedFd, Refusal> {
        self.heard.wait_for_init_ready()?;
        self.heard.close()?;
        Ok(self.process)
    }
}

/// What it has of its supervisor.
struct Side<'a> {
    arguments: &'a ContainerArgs,
    cgroup: &'a Cgroup,
    root: BorrowedFd<'a>,
    shares: &'a Shares,
    /// Where it hears that its supervisor's share is mounted.
    mounted: OwnedFd,
    said: MainSender,
    answered: InitReceiver,
}

impl Side<'_> {
    /// Is it, until the program of the job is executed. What goes wrong is said to the supervisor.
    fn be(&mut self) -> ! {
        if let Err(why) = self.try_be() {
            // There is nobody else to be told.
            let _ = self.said.exec_failed(why);
        }
        entry::exit(1)
    }

    fn try_be(&mut self) -> Result<(), String> {
        // Before anything that takes memory.
        self.cgroup.enter().map_err(|why| with_causes(&why))?;
        let process = self.arguments.spec.process().as_ref();
        let limits = process.and_then(|process| process.rlimits().as_ref());
        let system = self.arguments.syscall.create_syscall();
        for limit in limits.into_iter().flatten() {
            system.set_rlimit(limit).map_err(|why| with_causes(&why))?;
        }
        mounting::mount_all(self.root, &self.shares.first_process)
            .map_err(|why| with_causes(&why))?;
        self.await_mounts()?;
        container_init_process(self.arguments, &mut self.said, &mut self.answered)
            .map_err(|why| with_causes(&why))
    }

    fn await_mounts(&mut self) -> Result<(), String> {
        let mounted = self.mounted.try_clone().map(File::from);
        let heard = mounted.and_then(|mut pipe| pipe.read_exact(&mut [0]));
        heard.map_err(|_| "the supervisor has given up".to_owned())
    }
}
