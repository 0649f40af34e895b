//! The control group of one container: where the kernel counts and bounds what it takes. Where a
//! program such as runc runs the container, that makes it and writes its limits, from the spec.

mod counters;
mod folder;
mod layout;
mod v1;
mod v2;

use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use oci_spec::runtime::LinuxResources;

pub use counters::Counters;
pub use layout::{CgroupFacts, cgroup_facts};
pub(crate) use layout::{Layout, ROOT};

/// Every group of ours is below one of this name, in each hierarchy.
const PARENT: &str = "longshore";
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why a control group could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The machine has none, where they usually are.
    #[error("this machine has no control groups at /sys/fs/cgroup")]
    Absent,
    /// A file of one could not be used.
    #[error("cannot {tried} {path}")]
    Io {
        /// What was tried, as a verb.
        tried: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The limits of one could not be set.
    #[error("cannot set the limits of {path}")]
    Limits {
        /// The folder of the group.
        path: PathBuf,
        /// What was met.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A limit needs a controller that the machine does not have.
    #[error("this machine has no control groups for {0}")]
    NoController(&'static str),
    /// Something in one does not die.
    #[error("{path} still has processes after {} s of killing them", LONGEST_WAIT.as_secs())]
    StillAlive {
        /// The folder of the group.
        path: PathBuf,
    },
}

impl CgroupError {
    fn io(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            tried,
            path: path.to_owned(),
            source,
        }
    }
}

/// The control group of one container. It need not exist.
#[derive(Clone, Debug)]
pub(crate) struct Cgroup {
    /// Below the root of each hierarchy.
    path: PathBuf,
    layout: Layout,
}

impl Cgroup {
    /// The group of the container of this name, on this machine.
    ///
    /// # Errors
    /// The machine has no control groups.
    pub(crate) fn named(name: &str) -> Result<Self, CgroupError> {
        Ok(Self::of(Layout::of_this_machine()?, name))
    }

    pub(crate) fn of(layout: Layout, name: &str) -> Self {
        let path = Path::new(PARENT).join(name);
        Self { path, layout }
    }

    /// Where it is below the root of each hierarchy, as an OCI runtime takes it.
    pub(crate) fn spec_path(&self) -> PathBuf {
        self.layout.below_root().join(&self.path)
    }

    /// How the machine's hierarchies are laid out.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its folders, one in each hierarchy, and the name of each hierarchy.
    pub(crate) fn folders(&self) -> Vec<(String, PathBuf)> {
        let roots = self.layout.roots().into_iter();
        roots
            .map(|(name, root)| (name.to_owned(), root.join(&self.path)))
            .collect()
    }

    /// Those of its folders in which its processes are.
    pub(crate) fn controlling(&self) -> Vec<(String, PathBuf)> {
        match &self.layout {
            Layout::V1(hierarchies) => {
                let roots = hierarchies.controlling();
                roots
                    .map(|(name, root)| (name.to_owned(), root.join(&self.path)))
                    .collect()
            }
            Layout::V2(_) => self.folders(),
            Layout::Closed => Vec::new(),
        }
    }

    /// Makes it, with these limits. It may be there, as long as nothing is in it.
    ///
    /// # Errors
    /// The kernel refuses, or lacks what a limit needs.
    pub(crate) fn make(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        match &self.layout {
            Layout::V1(hierarchies) => v1::make(hierarchies, &self.path, resources),
            Layout::V2(root) => v2::make(root, &self.path, resources),
            Layout::Closed => Ok(()),
        }
    }

    /// It, or the first part of it that [`make`](Self::make) makes, is there.
    pub(crate) fn was_begun(&self) -> bool {
        self.controlling()
            .first()
            .is_some_and(|(_, at)| at.exists())
    }

    /// Brings this process, which must have one thread, into it, with all that it begins from then on.
    ///
    /// # Errors
    /// It is not there, or the kernel refuses.
    pub(crate) fn enter(&self) -> Result<(), CgroupError> {
        const THIS: &str = "0";
        let file = match self.layout {
            // This process has one thread. For all threads of a process the kernel would wait until every
            // CPU has done something else, which takes longer than all the rest of a container.
            Layout::V1(_) => "tasks",
            Layout::V2(_) | Layout::Closed => "cgroup.procs",
        };
        let folders = self.controlling();
        folders
            .iter()
            .try_for_each(|(_, at)| folder::set(at, file, THIS))
    }

    /// What the kernel counted so far; nothing where it does not count, or the group is absent.
    pub(crate) fn usage(&self) -> Counters {
        match &self.layout {
            Layout::V1(hierarchies) => v1::usage(hierarchies, &self.path),
            Layout::V2(root) => v2::usage(&root.join(&self.path)),
            Layout::Closed => Counters::default(),
        }
    }

    /// What of that is of interest when all has ended.
    pub(crate) fn spent(&self) -> Counters {
        match &self.layout {
            Layout::V1(hierarchies) => v1::spent(hierarchies, &self.path),
            Layout::V2(root) => v2::spent(&root.join(&self.path)),
            Layout::Closed => Counters::default(),
        }
    }

    /// Kills every process in it, also those that begin meanwhile, and waits until all are gone.
    ///
    /// # Errors
    /// The kernel refuses, or something does not die within ten seconds, as a process that waits for
    /// a broken disk.
    pub(crate) fn kill(&self) -> Result<(), CgroupError> {
        for (_, folder) in self.folders() {
            let is_empty = || {
                let is_empty = folder::processes(&folder)?.is_empty();
                // Even to look by freezing costs every CPU of the machine a pause.
                if !is_empty {
                    self.kill_once()?;
                }
                Ok(is_empty)
            };
            eventually(is_empty, &folder)?;
        }
        Ok(())
    }

    fn kill_once(&self) -> Result<(), CgroupError> {
        match &self.layout {
            Layout::V1(hierarchies) => v1::kill(hierarchies, &self.path),
            Layout::V2(root) => v2::kill(&root.join(&self.path)),
            Layout::Closed => Ok(()),
        }
    }

    /// Removes its folders unless something is in one of them. Says whether they are gone.
    pub(crate) fn remove_if_empty(&self) -> Result<bool, CgroupError> {
        for (_, folder) in self.folders() {
            if !folder::remove(&folder)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes its folders, which must have no processes any more. Nothing happens where they are
    /// gone already.
    pub(crate) fn remove(&self) -> Result<(), CgroupError> {
        for (_, folder) in self.folders() {
            // A process that just died may still be counted.
            eventually(|| folder::remove(&folder), &folder)?;
        }
        Ok(())
    }
}

/// Tries it every millisecond until it is so.
fn eventually(
    mut is_so: impl FnMut() -> Result<bool, CgroupError>,
    path: &Path,
) -> Result<(), CgroupError> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > LONGEST_WAIT {
            let path = path.to_owned();
            return Err(CgroupError::StillAlive { path });
        }
        sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
