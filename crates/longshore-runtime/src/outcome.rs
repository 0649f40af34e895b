//! What a [`Runtime`](crate::Runtime) is told, and what it answers.

use std::path::PathBuf;

/// Where containers live and what runs them.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// The folder of all containers; made if it is missing.
    pub root: PathBuf,
    /// The program that is executed as supervisor.
    pub supervisor: SupervisorProgram,
    /// A program with the command line of `runc` that runs containers in place of what is built in.
    pub oci_runtime: Option<PathBuf>,
}

/// The program that is executed as supervisor: its `main` begins with
/// [`run_if_supervisor`](crate::run_if_supervisor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupervisorProgram {
    /// The one that this process was executed from.
    ThisBinary,
    /// This one.
    Path(PathBuf),
}

/// Whether a container was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was not, and is now.
    New,
    /// One of this name was.
    Existed,
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The container has it.
    Yes,
    /// The container does not run.
    NotRunning,
    /// There is no such container.
    WasAbsent,
}

/// What becomes of a container that runs when it is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileRunning {
    /// It goes on, and is not removed.
    Spare,
    /// It is killed.
    Kill,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The container is gone, and nothing of it is left.
    Gone,
    /// There was none.
    WasAbsent,
    /// It runs and was spared.
    Runs,
}
