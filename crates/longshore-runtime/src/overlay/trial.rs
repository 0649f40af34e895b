//! Whether an ordinary user's containers can have their roots in a folder, found out by laying two empty
//! folders over each other. Nobody sees it, and nothing of it stays.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sched::CloneFlags;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsopen};

/// Why roots of containers cannot be there. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file system of {place} does not carry an ordinary user's containers ({why}): name a folder of \
     another one, such as ext4, XFS or Btrfs, in LONGSHORE_OCI"
)]
pub struct NoOverlay {
    place: PathBuf,
    why: Errno,
}

/// Tries it at `place`, which need not be there yet. Takes about a millisecond. For a process that is
/// root of a user namespace, or of the machine.
///
/// # Errors
/// Its file system does not keep attributes of users, or cannot carry an overlay. Where nothing can be
/// written at all, that is not found out here.
pub fn check_overlay(place: &Path) -> Result<(), NoOverlay> {
    let above = place.ancestors().find(|folder| folder.is_dir());
    let Ok(scratch) = tempfile::tempdir_in(above.unwrap_or(Path::new("/"))) else {
        return Ok(());
    };
    // Its mounts and the folder that it is in are to be a thread's own, and to go with that.
    let tried = thread::scope(|scope| scope.spawn(|| lay(scratch.path())).join());
    tried.unwrap_or(Ok(())).map_err(|why| NoOverlay {
        place: place.to_owned(),
        why,
    })
}

fn lay(scratch: &Path) -> Result<(), Errno> {
    let failed = |why: io::Error| Errno::from_io_error(&why).unwrap_or(Errno::IO);
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).map_err(|why| failed(why.into()))?;
    // Names in there hold nothing that would have to be escaped.
    rustix::process::chdir(scratch)?;
    let folders = ["lowerdir", "upperdir", "workdir"];
    for folder in folders {
        fs::create_dir(folder).map_err(failed)?;
    }
    let opaque = "user.overlay.opaque";
    rustix::fs::setxattr("upperdir", opaque, b"y", XattrFlags::CREATE)?;
    let overlay = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for folder in folders {
        fsconfig_set_string(overlay.as_fd(), folder, folder)?;
    }
    fsconfig_set_flag(overlay.as_fd(), "userxattr")?;
    fsconfig_create(overlay.as_fd())
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

    use super::*;

    #[test]
    fn a_usual_file_system_carries_an_overlay_and_nothing_of_the_trial_stays() {
        let folder = tempfile::tempdir().unwrap();
        check_overlay(&folder.path().join("later")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_overlay_that_cannot_carry_another_is_found_out_and_what_to_do_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lower", "upper", "work", "merged"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let here = folder.path().display();
        let options = format!("lowerdir={here}/lower,upperdir={here}/upper,workdir={here}/work");
        let options = CString::new(options).unwrap();
        let merged = folder.path().join("merged");
        let in_a_thread = || {
            nix::sched::unshare(CloneFlags::CLONE_NEWNS).unwrap();
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).unwrap();
            let none = MountFlags::empty();
            mount("overlay", &merged, "overlay", none, options.as_c_str()).unwrap();
            check_overlay(&merged).unwrap_err().to_string()
        };
        let said = thread::scope(|scope| scope.spawn(in_a_thread).join().unwrap());
        assert!(said.contains("in LONGSHORE_OCI"), "{said}");
    }
}
