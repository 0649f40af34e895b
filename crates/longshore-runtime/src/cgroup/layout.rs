//! Where the hierarchies of control groups are mounted, and what the machine offers in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Access, access};

use super::{CgroupError, PARENT};
use crate::user::{self, Standing};

/// Where they usually are.
pub(crate) const ROOT: &str = "/sys/fs/cgroup";
/// What limits and counters need.
const NEEDED: [&str; 4] = ["cpu", "devices", "memory", "pids"];
/// What a container is held by. Hierarchies of other names control nothing of it.
const CONTROLLERS: [&str; 12] = [
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "freezer",
    "hugetlb",
    "memory",
    "net_cls",
    "net_prio",
    "perf_event",
    "pids",
];
/// Version 2 controls devices by programs, which are no controller.
const NEEDED_V2: [&str; 3] = ["cpu", "memory", "pids"];

/// How the machine's hierarchies are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One hierarchy for each controller, or for a few together.
    V1(Hierarchies),
    /// One hierarchy for all; ours are made in this folder: where it is mounted, or one below that was
    /// given to the user.
    V2(PathBuf),
    /// An ordinary user was given no folder of them: nothing is counted or bounded.
    Closed,
}

/// Where the hierarchies of version 1 are mounted, by the name of their folder, such as
/// `cpu,cpuacct`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hierarchies(BTreeMap<String, PathBuf>);

/// What control groups of this machine can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupFacts {
    /// 1 or 2.
    pub version: u8,
    /// Controllers that containers need and that are not there.
    pub missing: Vec<&'static str>,
    /// This process may make groups in all hierarchies.
    pub writable: bool,
    /// Processes are in the root that this process sees, which is not the machine's own, as in a
    /// container: groups with limits cannot be made before they are moved into a group below.
    pub crowded: bool,
}

/// What control groups of this machine can do.
///
/// # Errors
/// There are none at the usual place.
pub fn cgroup_facts() -> Result<CgroupFacts, CgroupError> {
    Ok(Layout::of_this_machine()?.facts())
}

impl Layout {
    /// Reads it from the mounts of this process, once: it is not changed on a machine that runs.
    ///
    /// # Errors
    /// There are no control groups at the usual place.
    pub(crate) fn of_this_machine() -> Result<Self, CgroupError> {
        static FOUND: OnceLock<Layout> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let found = Self::read()?;
        Ok(FOUND.get_or_init(|| found).clone())
    }

    fn read() -> Result<Self, CgroupError> {
        let path = Path::new("/proc/self/mountinfo");
        let mounts = fs::read_to_string(path).map_err(CgroupError::io("read", path))?;
        let whole = Self::parse(&mounts).ok_or(CgroupError::Absent)?;
        Ok(match user::standing() {
            Standing::Root | Standing::Ordinary => whole,
            Standing::Many | Standing::Single => whole.given(),
        })
    }

    /// As much of it as an ordinary user was given: the folder nearest to the root that he may make
    /// groups and move processes in, of those that this process is below.
    fn given(self) -> Self {
        let Self::V2(root) = self else {
            return Self::Closed;
        };
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = root.join(own.unwrap_or_default());
        let above = own
            .ancestors()
            .take_while(|folder| folder.starts_with(&root));
        let given = above.filter(|at| is_given(at)).last();
        given.map_or(Self::Closed, |folder| Self::V2(folder.to_owned()))
    }

    /// Where groups are made, as seen from the root of each hierarchy.
    pub(super) fn below_root(&self) -> PathBuf {
        let top = Path::new("/");
        match self {
            Self::V1(_) | Self::Closed => top.to_owned(),
            Self::V2(root) => top.join(root.strip_prefix(ROOT).unwrap_or(Path::new(""))),
        }
    }

    fn parse(mounts: &str) -> Option<Self> {
        let mut hierarchies = BTreeMap::new();
        for (at, kind) in mounts.lines().filter_map(mount_of) {
            match kind {
                "cgroup2" if at == Path::new(ROOT) => return Some(Self::V2(at.to_owned())),
                // Beside version 1 that of version 2 controls nothing, but other runtimes use it.
                "cgroup" | "cgroup2" if at.parent() == Some(Path::new(ROOT)) => {
                    let name = at.file_name()?.to_string_lossy().into_owned();
                    hierarchies.insert(name, at.to_owned());
                }
                _ => {}
            }
        }
        (!hierarchies.is_empty()).then_some(Self::V1(Hierarchies(hierarchies)))
    }

    /// Every hierarchy: the name of its folder, and where it is.
    pub(crate) fn roots(&self) -> Vec<(&str, &Path)> {
        match self {
            Self::V1(hierarchies) => hierarchies.roots().collect(),
            Self::V2(root) => vec![("", root)],
            Self::Closed => Vec::new(),
        }
    }

    fn facts(&self) -> CgroupFacts {
        let (version, controllers, needed) = match self {
            Self::V1(hierarchies) => (1, hierarchies.controllers(), &NEEDED[..]),
            Self::V2(root) => (2, controllers_of(root), &NEEDED_V2[..]),
            Self::Closed => (0, Vec::new(), &NEEDED_V2[..]),
        };
        let is_missing = |name: &&&str| !controllers.iter().any(|have| have == **name);
        CgroupFacts {
            version,
            missing: needed.iter().filter(is_missing).copied().collect(),
            writable: self.roots().iter().all(|(_, root)| is_writable(root)),
            crowded: match self {
                Self::V1(_) | Self::Closed => false,
                Self::V2(root) => is_crowded(root),
            },
        }
    }

    /// Can swap be bounded? Kernels may be built or booted without it.
    pub(crate) fn bounds_swap(&self) -> bool {
        match self {
            Self::V1(hierarchies) => hierarchies
                .root_of("memory")
                .is_some_and(|root| root.join("memory.memsw.limit_in_bytes").exists()),
            // The root has no such file; every group has it where swap is accounted.
            Self::V2(root) => {
                let ours = root.join(PARENT).join("memory.swap.max");
                ours.exists() || Path::new("/proc/swaps").exists()
            }
            Self::Closed => false,
        }
    }
}

impl Hierarchies {
    /// Where the hierarchy of this controller is.
    pub(super) fn root_of(&self, controller: &str) -> Option<&Path> {
        self.roots()
            .find(|(name, _)| name.split(',').any(|one| one == controller))
            .map(|(_, root)| root)
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0
            .iter()
            .map(|(name, at)| (name.as_str(), at.as_path()))
    }

    /// Those that hold a container.
    pub(super) fn controlling(&self) -> impl Iterator<Item = (&str, &Path)> {
        let is_of_ours = |name: &str| name.split(',').all(|one| CONTROLLERS.contains(&one));
        self.roots().filter(move |(name, _)| is_of_ours(name))
    }

    fn controllers(&self) -> Vec<String> {
        let names = self.0.keys().flat_map(|name| name.split(','));
        names.map(str::to_owned).collect()
    }
}

fn controllers_of(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// Only the machine's own root has no type, and room for both processes and groups with limits.
fn is_crowded(root: &Path) -> bool {
    let processes = fs::read_to_string(root.join("cgroup.procs")).unwrap_or_default();
    root.join("cgroup.type").exists() && !processes.is_empty()
}

/// May this process make groups with limits in this folder, and move processes between them?
fn is_given(folder: &Path) -> bool {
    let files = ["", "cgroup.procs", "cgroup.subtree_control"];
    let controllers = controllers_of(folder);
    let has_controllers = NEEDED_V2
        .iter()
        .all(|needed| controllers.iter().any(|have| have == needed));
    has_controllers
        && !is_crowded(folder)
        && files.iter().all(|file| is_writable(&folder.join(file)))
}

fn is_writable(root: &Path) -> bool {
    access(root, Access::WRITE_OK).is_ok()
}

/// Where a line of `mountinfo` mounts what kind of file system.
fn mount_of(line: &str) -> Option<(&Path, &str)> {
    let at = line.split(' ').nth(4)?;
    let (_, behind) = line.split_once(" - ")?;
    Some((Path::new(at), behind.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Layout {
        /// Version 1 with these hierarchies.
        pub(crate) fn v1_of<const N: usize>(roots: [(&str, PathBuf); N]) -> Self {
            let roots = roots.into_iter();
            let owned = roots.map(|(name, root)| (name.to_owned(), root));
            Self::V1(Hierarchies(owned.collect()))
        }
    }

    #[test]
    fn version_1_has_a_hierarchy_for_each_mount() {
        let mounts = "\
            24 1 0:21 / /sys rw shared:7 - sysfs sysfs rw\n\
            30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n\
            31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
            32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:1 - cgroup cgroup rw,cpu\n\
            33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
            34 30 0:30 / /mnt/elsewhere/memory rw - cgroup cgroup rw,memory\n";
        let at = |name| (name, Path::new(ROOT).join(name));
        let expected = Layout::v1_of([at("cpu,cpuacct"), at("systemd"), at("unified")]);
        assert_eq!(Layout::parse(mounts), Some(expected.clone()));
        let Layout::V1(hierarchies) = expected else {
            panic!("it is of version 1");
        };
        let shared = Path::new("/sys/fs/cgroup/cpu,cpuacct");
        assert_eq!(hierarchies.root_of("cpuacct"), Some(shared));
        assert_eq!(hierarchies.root_of("memory"), None);
    }

    #[test]
    fn version_2_is_one_mount() {
        let mounts = "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(Layout::parse(mounts), Some(Layout::V2(ROOT.into())));
    }

    #[test]
    fn a_machine_without_them_has_none() {
        assert_eq!(Layout::parse("24 1 0:21 / / rw - ext4 /dev/sda rw\n"), None);
    }

    #[test]
    fn a_version_2_that_lacks_controllers_says_which() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cgroup.controllers"), "cpu io memory\n").unwrap();
        let facts = Layout::V2(folder.path().to_owned()).facts();
        assert_eq!((facts.version, facts.missing), (2, vec!["pids"]));
    }
    #[test]
    fn a_root_that_is_not_the_machines_own_has_room_only_without_processes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        let is_crowded = || Layout::V2(folder.path().to_owned()).facts().crowded;
        write("cgroup.procs", "1\n");
        assert!(!is_crowded());
        write("cgroup.type", "domain\n");
        assert!(is_crowded());
        write("cgroup.procs", "");
        assert!(!is_crowded());
    }
}
