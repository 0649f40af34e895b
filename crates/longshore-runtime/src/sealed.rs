//! The supervisor's program as a sealed file in memory.
//!
//! A container could reach the file that its supervisor was executed from, through `/proc`: this one
//! nobody can write to. A new version on the disk does not disturb supervisors that run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, SealFlags};

use crate::error::{RuntimeError, Tried};

/// A program that cannot be changed, as long as this process lives.
#[derive(Debug)]
pub(crate) struct Sealed {
    memory: OwnedFd,
}

impl Sealed {
    /// A copy of this program.
    pub(crate) fn copy_of(program: &Path) -> Result<Self, RuntimeError> {
        copy(program).tried("copy", program)
    }

    /// What to execute.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.memory.as_raw_fd()))
    }
}

fn copy(program: &Path) -> io::Result<Sealed> {
    let mut source = File::open(program)?;
    let length = loaded_length(&mut source)?;
    source.seek(SeekFrom::Start(0))?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut memory = File::from(rustix::fs::memfd_create("longshore-supervisor", flags)?);
    io::copy(&mut source.take(length), &mut memory)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&memory, seals)?;
    Ok(Sealed {
        memory: memory.into(),
    })
}

/// How much of a program the kernel loads: what is for debuggers comes behind it.
fn loaded_length(program: &mut File) -> io::Result<u64> {
    /// Of the file header and of one program header, for 64 bits.
    const HEADER: usize = 64;
    const SEGMENT: usize = 56;
    let whole = program.metadata()?.len();
    let mut header = [0; HEADER];
    if program.read_exact(&mut header).is_err() || header[..5] != *b"\x7fELF\x02" {
        return Ok(whole);
    }
    let first = number(&header[32..40]);
    let count = number(&header[56..58]);
    program.seek(SeekFrom::Start(first))?;
    let mut end = first + count * SEGMENT as u64;
    for _ in 0..count {
        let mut segment = [0; SEGMENT];
        program.read_exact(&mut segment)?;
        end = end.max(number(&segment[8..16]).saturating_add(number(&segment[32..40])));
    }
    Ok(end.min(whole))
}

/// In this machine's own order of bytes.
fn number(bytes: &[u8]) -> u64 {
    let fold = |number, byte: &u8| (number << 8) | u64::from(*byte);
    if cfg!(target_endian = "big") {
        return bytes.iter().fold(0, fold);
    }
    bytes.iter().rev().fold(0, fold)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_sealed_program_runs_and_cannot_be_written_to() {
        let sealed = Sealed::copy_of(Path::new("/bin/sh")).unwrap();
        let mut command = Command::new(sealed.path());
        let output = command.args(["-c", "echo here"]).output().unwrap();
        assert_eq!(output.stdout, b"here\n");
        let opened = File::options().write(true).open(sealed.path());
        let written = opened.and_then(|mut file| io::Write::write(&mut file, b"x"));
        assert!(written.is_err());
    }

    #[test]
    fn what_is_for_debuggers_is_not_copied() {
        let program = std::env::current_exe().unwrap();
        let whole = program.metadata().unwrap().len();
        let sealed = Sealed::copy_of(&program).unwrap();
        let copied = std::fs::metadata(sealed.path()).unwrap().len();
        assert!(copied < whole, "{copied} of {whole}");
        let listed = Command::new(sealed.path()).arg("--list").output().unwrap();
        assert!(listed.status.success());
    }
}
