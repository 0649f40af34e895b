//! How much may be written below a folder: the project quotas of file systems that keep them (ext4 and
//! XFS, mounted with `prjquota`).
//!
//! A project is a number that files inherit from their folder. Ours is that of the folder's own inode:
//! no other container of this file system can have it as long as the folder is there.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, opcode};
use syscalls::{Sysno, syscall4};

/// Why what is written below a folder cannot be bounded.
#[derive(Debug, thiserror::Error)]
pub enum NoQuota {
    /// Its file system does not count for projects.
    #[error(
        "the file system does not bound what one folder holds: mount it with `prjquota` (ext4 made \
         with `-O quota,project`, or XFS)"
    )]
    Missing,
    /// Not this user's to set.
    #[error("only root of the machine may bound what one folder holds")]
    NotAllowed,
    /// The bound was set, and does not show.
    #[error("the file system counts what a folder holds, but does not bound it")]
    NotEnforced,
    /// All numbers that were tried belong to somebody.
    #[error("no project of the file system is free")]
    NoneFree,
    /// It was tried.
    #[error("the bound of a folder cannot be set: {0}")]
    Failed(#[from] io::Error),
}

impl From<NoQuota> for io::Error {
    fn from(why: NoQuota) -> Self {
        Self::other(why)
    }
}

/// `FS_XFLAG_PROJINHERIT`: what is made in the folder belongs to its project.
const INHERIT: u32 = 0x200;
const GET_ATTRIBUTES: Opcode = opcode::read::<Attributes>(b'X', 31);
const SET_ATTRIBUTES: Opcode = opcode::write::<Attributes>(b'X', 32);

/// `struct fsxattr`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Attributes {
    flags: u32,
    extent_size: u32,
    extents: u32,
    project: u32,
    cow_extent_size: u32,
    padding: [u8; 8],
}

const GET_QUOTA: u32 = 0x0080_0007;
const SET_QUOTA: u32 = 0x0080_0008;
/// `PRJQUOTA`.
const OF_PROJECT: u32 = 2;
/// `QIF_BLIMITS`: of all fields, the limits of blocks are meant.
const BLOCK_LIMITS: u32 = 1;
/// Limits are in blocks of this size.
const BLOCK: u64 = 1024;
/// Numbers that are tried when others have taken the first.
const TRIES: u32 = 64;

/// `struct if_dqblk`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Quota {
    hard_blocks: u64,
    soft_blocks: u64,
    used_bytes: u64,
    hard_inodes: u64,
    soft_inodes: u64,
    used_inodes: u64,
    block_grace: u64,
    inode_grace: u64,
    valid: u32,
}

/// Whether what is written into a folder at `place`, which need not be there yet, can be bounded.
///
/// # Errors
/// It cannot, and why.
pub fn check_size_bound(place: &Path) -> Result<(), NoQuota> {
    let above = place.ancestors().find(|folder| folder.is_dir());
    let folder = File::open(above.unwrap_or(Path::new("/")))?;
    quota_of(&folder, 1).map(drop)
}

/// Keeps what is written into the two folders, which are new and empty, to so many bytes together.
pub(crate) fn bound([first, second]: [&Path; 2], bytes: u64) -> Result<(), NoQuota> {
    let folders = [File::open(first)?, File::open(second)?];
    let project = free_project(&folders[0])?;
    // Bounded before anything belongs to it.
    limit(&folders[0], project, bytes.div_ceil(BLOCK))?;
    for folder in &folders {
        let mut attributes = attributes(folder)?;
        attributes.flags |= INHERIT;
        attributes.project = project;
        set_attributes(folder, attributes)?;
    }
    // A folder of a bounded project looks as large as the bound.
    let seen = rustix::fs::fstatvfs(&folders[0]).map_err(io::Error::from)?;
    let size = seen.f_blocks.saturating_mul(seen.f_frsize);
    if size > bytes.next_multiple_of(seen.f_frsize.max(BLOCK)) {
        return Err(NoQuota::NotEnforced);
    }
    Ok(())
}

/// Takes the bound of a folder back, before it is removed; there may be neither.
pub(crate) fn release(folder: &Path) -> Result<(), NoQuota> {
    let Ok(folder) = File::open(folder) else {
        return Ok(());
    };
    match attributes(&folder) {
        Ok(found) if found.project != 0 => limit(&folder, found.project, 0),
        // File systems without projects do not know the question.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn free_project(folder: &File) -> Result<u32, NoQuota> {
    let inode = rustix::fs::fstat(folder).map_err(io::Error::from)?.st_ino;
    let first = u32::try_from(inode & u64::from(u32::MAX)).expect("32 bits");
    let numbers = (0..TRIES).map(|further| first.wrapping_add(further));
    for number in numbers.filter(|number| *number != 0) {
        let found = quota_of(folder, number)?;
        if found.used_bytes == 0 && found.used_inodes == 0 && found.hard_blocks == 0 {
            return Ok(number);
        }
    }
    Err(NoQuota::NoneFree)
}

/// What is counted and bounded for a project; of one that never was, nothing.
fn quota_of(folder: &File, project: u32) -> Result<Quota, NoQuota> {
    let mut quota = Quota::default();
    match quotactl(GET_QUOTA, folder, project, &mut quota) {
        Err(why) if why == Errno::NOENT => Ok(Quota::default()),
        asked => asked.map(|()| quota).map_err(meaning),
    }
}

fn limit(folder: &File, project: u32, blocks: u64) -> Result<(), NoQuota> {
    let mut quota = Quota {
        hard_blocks: blocks,
        valid: BLOCK_LIMITS,
        ..Quota::default()
    };
    quotactl(SET_QUOTA, folder, project, &mut quota).map_err(meaning)
}

fn meaning(why: Errno) -> NoQuota {
    match why {
        Errno::PERM | Errno::ACCESS => NoQuota::NotAllowed,
        // Not switched on, not known to the file system, not known to the kernel.
        Errno::SRCH | Errno::NOTSUP | Errno::INVAL | Errno::NOTTY | Errno::NOSYS => {
            NoQuota::Missing
        }
        why => NoQuota::Failed(why.into()),
    }
}

fn quotactl(command: u32, folder: &File, project: u32, quota: &mut Quota) -> Result<(), Errno> {
    let descriptor = usize::try_from(folder.as_raw_fd()).expect("it is open");
    let command = (command << 8 | OF_PROJECT) as usize;
    let address = std::ptr::from_mut(quota) as usize;
    #[expect(unsafe_code, reason = "no safe way wraps quotactl_fd(2)")]
    // SAFETY: the kernel reads or fills one structure of this layout, which lives on.
    let answer = unsafe {
        syscall4(
            Sysno::quotactl_fd,
            descriptor,
            command,
            project as usize,
            address,
        )
    };
    let answer = answer.map(drop);
    answer.map_err(|errno| Errno::from_raw_os_error(errno.into_raw()))
}

fn attributes(folder: &File) -> io::Result<Attributes> {
    #[expect(unsafe_code, reason = "no safe way wraps this ioctl")]
    // SAFETY: the kernel fills one structure of this layout.
    let found = unsafe {
        let get = Getter::<GET_ATTRIBUTES, Attributes>::new();
        rustix::ioctl::ioctl(folder.as_fd(), get)
    };
    found.map_err(io::Error::from)
}

fn set_attributes(folder: &File, attributes: Attributes) -> Result<(), NoQuota> {
    #[expect(unsafe_code, reason = "no safe way wraps this ioctl")]
    // SAFETY: the kernel reads one structure of this layout.
    let set = unsafe {
        let set = Setter::<SET_ATTRIBUTES, Attributes>::new(attributes);
        rustix::ioctl::ioctl(folder.as_fd(), set)
    };
    set.map_err(meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_bounds_no_folder_and_nothing_is_released_there() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let refused = check_size_bound(&folder.path().join("later")).unwrap_err();
        assert!(matches!(refused, NoQuota::Missing), "{refused}");
        release(folder.path()).unwrap();
        release(&folder.path().join("absent")).unwrap();
    }

    /// Where there are none, the number is never taken for one that was bounded.
    #[test]
    fn what_the_kernel_says_is_told_in_words_of_the_machine() {
        for (errno, wanted) in [
            (Errno::PERM, "only root"),
            (Errno::SRCH, "prjquota"),
            (Errno::NOSYS, "prjquota"),
            (Errno::IO, "cannot be set"),
        ] {
            let said = meaning(errno).to_string();
            assert!(said.contains(wanted), "{said}");
        }
    }
}
