//! The last steps inside of a container: from the process that everything is set up around to the
//! program of the job.
//!
//! Runs in a clone of the supervisor, already as the container's user in the container's root, with
//! every capability left. Nothing here returns to anybody: the program runs, or a word about why not
//! goes through the pipe.

mod init;
mod program;
mod workdir;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{
    Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError,
};
use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Gid, Signal, set_parent_process_death_signal};
use rustix::thread::set_thread_groups;

use crate::Refused;
use crate::capabilities::CapabilitySet;
use crate::folder::json;
use crate::seccomp::Filter;

pub(crate) use init::exit;
pub(crate) use program::Program;

/// All that the last steps need.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The supervisor, as it was before the clone.
    pub(crate) supervisor: OwnedFd,
    /// Where the supervisor hears of it: [`GOING`], and why it did not work after all.
    pub(crate) report: OwnedFd,
    /// Groups that it belongs to; none where they stay as they are.
    pub(crate) groups: Option<Vec<u32>>,
    /// What runs.
    pub(crate) program: Program,
    /// Where it runs.
    pub(crate) workdir: PathBuf,
    /// A small init is to be PID 1.
    pub(crate) init: bool,
    /// Capabilities that are left.
    pub(crate) capabilities: CapabilitySet,
    /// System calls that are left.
    pub(crate) filter: Option<Filter>,
    /// Programs with rights of their own give none.
    pub(crate) no_new_privileges: bool,
}

/// Said when the program is about to be executed. Nothing behind it means that it was.
pub(crate) const GOING: u8 = b'!';

/// [`Entry`] as libcontainer takes it.
#[derive(Clone, Debug)]
pub(crate) struct LastSteps(pub(crate) Rc<Entry>);

impl Executor for LastSteps {
    fn validate(&self, _spec: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }

    /// Called before the container waits to be started, which it would do for ever if its supervisor
    /// were gone.
    fn setup_envs(&self, _envs: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        self.0
            .die_with_supervisor()
            .and_then(|()| self.0.join_groups())
            .map_err(ExecutorSetEnvsError::Other)
    }

    fn exec(&self, _spec: &Spec) -> Result<(), ExecutorError> {
        let refused = self.0.run();
        // If nobody listens there is no supervisor, and this process is about to be killed.
        let _ = self.0.say(&json(&refused));
        Err(ExecutorError::Other(refused.message))
    }
}

impl Entry {
    /// The kernel kills this process when its parent ends; one that ended before it was told so is
    /// seen by its descriptor. Its number would not do: there is none of it in here.
    fn die_with_supervisor(&self) -> Result<(), String> {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|why| why.to_string())?;
        let mut ended = [PollFd::new(&self.supervisor, PollFlags::IN)];
        let now = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match poll(&mut ended, Some(&now)) {
            Ok(0) => Ok(()),
            Ok(_) => Err("the supervisor is gone".to_owned()),
            Err(why) => Err(why.to_string()),
        }
    }

    /// Every capability is left, so that it need not be done before this is the container's user.
    fn join_groups(&self) -> Result<(), String> {
        let Some(groups) = &self.groups else {
            return Ok(());
        };
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups).map_err(|why| format!("the groups cannot be joined: {why}"))
    }

    /// Returns only if the program cannot be executed.
    fn run(&self) -> Refused {
        reset_signals();
        // A supervisor is killed late when memory runs out, its container is not.
        let _ = std::fs::write("/proc/self/oom_score_adj", "0");
        let ready = workdir::enter(&self.workdir).and_then(|()| self.give_up_rights());
        if let Err(refused) = ready {
            return refused;
        }
        if !self.init {
            return self.execute();
        }
        let begun = init::begin_program(|| {
            let refused = self.execute();
            self.say(&json(&refused)).map_or(2, |()| 1)
        });
        match begun {
            Ok(program) => init::run(program),
            Err(why) => failed("there is no process for the program", why),
        }
    }

    /// Returns only if the program cannot be executed.
    fn execute(&self) -> Refused {
        if let Err(why) = self.say(&[GOING]) {
            return failed("the supervisor does not listen", why);
        }
        self.program.execute()
    }

    fn say(&self, text: &[u8]) -> io::Result<()> {
        File::from(self.report.try_clone()?).write_all(text)
    }

    /// A filter needs a capability to be installed, or the promise that no program gives new rights;
    /// with that promise it comes last, so that it may forbid what giving up capabilities takes.
    fn give_up_rights(&self) -> Result<(), Refused> {
        if !self.no_new_privileges {
            self.install_filter()?;
        }
        self.capabilities
            .drop_to()
            .map_err(|why| failed("capabilities cannot be dropped", why))?;
        if self.no_new_privileges {
            self.install_filter()?;
        }
        Ok(())
    }

    fn install_filter(&self) -> Result<(), Refused> {
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        filter
            .install()
            .map_err(|why| failed("the filter of system calls cannot be installed", why))
    }
}

fn failed(what: &str, why: impl std::fmt::Display) -> Refused {
    Refused {
        code: 125,
        message: format!("{what}: {why}"),
    }
}

/// Signals that the supervisor ignores would be ignored by the program too, for ever; those that it
/// handles are as they were for whatever is executed.
#[expect(unsafe_code, reason = "no handler is installed here")]
fn reset_signals() {
    // SAFETY: the default disposition runs nothing.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let nothing = nix::sys::signal::SigSet::empty();
    nothing
        .thread_set_mask()
        .expect("a set of signals that the C library made");
}
