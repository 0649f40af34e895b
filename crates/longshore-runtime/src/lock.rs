//! The lock of a container: its supervisor has it as long as it lives, whoever removes the container
//! has it while it does.
//!
//! A supervisor takes a record lock, which goes with the process itself and never to a child of it.
//! Who removes takes the lock of an open file, since a worker does many things at once and a record
//! lock would be the same for all of them. The kernel lets neither in beside the other.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// The file that is locked. A supervisor must not open it by its name.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

/// Who holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Nobody.
    Nobody,
    /// A supervisor.
    Supervisor,
    /// Somebody who removes the container.
    Remover,
}

/// Who is to have the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// This process, which must open the file only this once.
    Supervisor,
    /// This call.
    Remover,
}

/// Takes the lock; none if somebody has it.
pub(crate) fn take(path: &Path, claim: Claim) -> io::Result<Option<Lock>> {
    let file = File::options().read(true).write(true).open(path)?;
    let wanted = whole_file();
    let asked = match claim {
        Claim::Supervisor => FcntlArg::F_SETLK(&wanted),
        Claim::Remover => FcntlArg::F_OFD_SETLK(&wanted),
    };
    match fcntl(file.as_raw_fd(), asked) {
        Ok(_) => Ok(Some(Lock { file })),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// Who has the lock; nobody when there is no such file. The process that has it as its supervisor
/// must not ask, since it would lose it.
pub(crate) fn holder(path: &Path) -> io::Result<Holder> {
    let file = match File::open(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        opened => opened?,
    };
    let mut found = whole_file();
    fcntl(file.as_raw_fd(), FcntlArg::F_GETLK(&mut found))?;
    Ok(match (i32::from(found.l_type), found.l_pid) {
        (libc::F_UNLCK, _) => Holder::Nobody,
        (_, -1) => Holder::Remover,
        (_, _) => Holder::Supervisor,
    })
}

fn whole_file() -> libc::flock {
    libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).expect("a small number of the kernel's"),
        l_whence: i16::try_from(libc::SEEK_SET).expect("a small number of the kernel's"),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_who_remove_one_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        File::create(&path).unwrap();
        assert_eq!(holder(&path).unwrap(), Holder::Nobody);
        let first = take(&path, Claim::Remover).unwrap().unwrap();
        assert!(take(&path, Claim::Remover).unwrap().is_none());
        assert!(take(&path, Claim::Supervisor).unwrap().is_none());
        assert_eq!(holder(&path).unwrap(), Holder::Remover);
        drop(first);
        assert!(take(&path, Claim::Remover).unwrap().is_some());
    }

    #[test]
    fn without_a_file_nobody_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(holder(&path).unwrap(), Holder::Nobody);
        assert!(take(&path, Claim::Supervisor).is_err());
    }
}
