//! The files of one folder of a hierarchy of control groups.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::CgroupError;

/// The number that is all of a file. Nothing if the file is absent or says `max`.
pub(super) fn number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The number behind `key` in a file of lines `key number`.
pub(super) fn keyed(folder: &Path, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == key)
        .and_then(|(_, number)| number.trim().parse().ok())
}

/// The processes in it and in all below it; none if it is absent.
pub(super) fn processes(folder: &Path) -> Result<Vec<Pid>, CgroupError> {
    let file = folder.join("cgroup.procs");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if is_gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(CgroupError::io("read", &file)(error)),
    };
    let numbers = text.lines().filter_map(|line| line.parse().ok());
    let mut all: Vec<Pid> = numbers.filter_map(Pid::from_raw).collect();
    for child in children(folder)? {
        all.extend(processes(&child)?);
    }
    Ok(all)
}

/// Kills whatever is in it and below it at this moment.
pub(super) fn kill_all(folder: &Path) -> Result<(), CgroupError> {
    for process in processes(folder)? {
        match kill_process(process, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(errno) => return Err(CgroupError::io("kill what is in", folder)(errno.into())),
        }
    }
    Ok(())
}

/// Makes it, with all that lead to it, unless it is there.
pub(super) fn make(folder: &Path) -> Result<(), CgroupError> {
    fs::create_dir_all(folder).map_err(CgroupError::io("make", folder))
}

/// All that a file of it says.
pub(super) fn text(folder: &Path, file: &str) -> Result<String, CgroupError> {
    let path = folder.join(file);
    fs::read_to_string(&path).map_err(CgroupError::io("read", &path))
}

/// Writes a file of it, which must be there.
pub(super) fn set(folder: &Path, file: &str, text: &str) -> Result<(), CgroupError> {
    let path = folder.join(file);
    let opened = fs::File::options().write(true).open(&path);
    let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.map_err(CgroupError::io("write", &path))
}

/// Writes a file of it; false if the folder is absent.
pub(super) fn write(folder: &Path, file: &str, text: &str) -> Result<bool, CgroupError> {
    let path = folder.join(file);
    match fs::write(&path, text) {
        Ok(()) => Ok(true),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(CgroupError::io("write", &path)(error)),
    }
}

/// Removes it and all below it; false if something in it is busy still.
pub(super) fn remove(folder: &Path) -> Result<bool, CgroupError> {
    if remove_one(folder)? {
        return Ok(true);
    }
    for child in children(folder)? {
        if !remove(&child)? {
            return Ok(false);
        }
    }
    remove_one(folder)
}

fn remove_one(folder: &Path) -> Result<bool, CgroupError> {
    match fs::remove_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) if is_gone(&error) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(false),
        Err(error) => Err(CgroupError::io("remove", folder)(error)),
    }
}

fn children(folder: &Path) -> Result<Vec<std::path::PathBuf>, CgroupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(CgroupError::io("read", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(CgroupError::io("read", folder))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The folder is absent, or goes away while its file is open.
fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}
