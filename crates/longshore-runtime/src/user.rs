//! An ordinary user as root of a user namespace: there the kernel lets him mount, chroot and make
//! networks, and take on the numbers that `/etc/subuid` and `/etc/subgid` give him.
//!
//! The namespace is that of the whole process, and of all that it begins. Another process of the same
//! user makes one of its own, with the same numbers in it: files are the same to both.

mod outside;
mod ranges;
mod trial;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

use nix::sched::CloneFlags;
use nix::unistd::{ForkResult, fork};
use rustix::process::{Gid, Pid, Uid, getegid, geteuid, getpid};

use ranges::{Kind, Ranges};

pub use outside::{run_if_as_user, words_as_user};
pub use trial::NoNamespace;

/// Why this process, which has asked for it, is not root of a namespace.
static REFUSED: OnceLock<NoNamespace> = OnceLock::new();

/// What this process is to files and to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Root of the machine.
    Root,
    /// Root of a user namespace that knows the numbers of an image's users.
    Many,
    /// Root of a user namespace that knows one number: root in it is the user outside.
    Single,
    /// Neither.
    Ordinary,
}

/// Makes an ordinary user's process root of a user namespace, where the machine lets it. To be called
/// before there is any thread; [`standing`] tells afterwards what came of it, [`why_ordinary`] why not.
///
/// Flow: a child tries it first, since a process cannot leave a namespace that turns out to be of no
/// use. Then another child, left outside, writes which numbers the namespace knows.
pub fn become_root() {
    if geteuid().is_root() {
        return;
    }
    let outcome = trial::attempt().and_then(|()| enter());
    if let Err(why) = outcome {
        let _ = REFUSED.set(why);
    }
}

/// What this process is.
pub fn standing() -> Standing {
    if !geteuid().is_root() {
        return Standing::Ordinary;
    }
    let known = |file| fs::read_to_string(file).map_or(u64::from(u32::MAX), |map| count(&map));
    match known("/proc/self/uid_map").min(known("/proc/self/gid_map")) {
        number if number >= u64::from(u32::MAX) => Standing::Root,
        1 => Standing::Single,
        _ => Standing::Many,
    }
}

/// Why this process is an ordinary user's still, if it asked to be more.
pub fn why_ordinary() -> Option<&'static NoNamespace> {
    REFUSED.get()
}

/// Does this process's namespace know these numbers?
pub(crate) fn knows(uid: u32, gid: u32) -> bool {
    let has = |file, number| fs::read_to_string(file).map_or(true, |map| contains(&map, number));
    has("/proc/self/uid_map", uid) && has("/proc/self/gid_map", gid)
}

/// May a container's process give up the groups of the user? Not where a namespace was made without
/// privilege: leaving a group may open files that are closed to it.
pub(crate) fn may_set_groups() -> bool {
    fs::read_to_string("/proc/self/setgroups").map_or(true, |text| text.trim() == "allow")
}

fn contains(map: &str, number: u32) -> bool {
    map.lines().any(|line| {
        let mut words = line.split_whitespace().map(str::parse::<u32>);
        let (Some(Ok(first)), Some(Ok(length))) = (words.next(), words.nth(1)) else {
            return false;
        };
        number
            .checked_sub(first)
            .is_some_and(|behind| behind < length)
    })
}

/// How many numbers a map knows.
fn count(map: &str) -> u64 {
    let lengths = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    lengths
        .filter_map(|length| length.parse::<u64>().ok())
        .sum()
}

/// Who this process is outside.
#[derive(Clone, Copy, Debug)]
struct Outside {
    uid: Uid,
    gid: Gid,
}

fn enter() -> Result<(), NoNamespace> {
    let outside = Outside {
        uid: geteuid(),
        gid: getegid(),
    };
    let scribe = Ranges::of(outside.uid).map(|ranges| Scribe::fork(outside, &ranges));
    let scribe = scribe.transpose().map_err(NoNamespace::Made)?;
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(|why| NoNamespace::Made(why.into()))?;
    let is_written = scribe.is_some_and(Scribe::write);
    if is_written {
        return Ok(());
    }
    write_single(outside).map_err(NoNamespace::Mapped)
}

/// The one number that needs no privilege. What a broken-off attempt at more has written stays.
fn write_single(outside: Outside) -> io::Result<()> {
    let Outside { uid, gid } = outside;
    fs::write("/proc/self/setgroups", "deny")?;
    let maps = [("uid_map", uid.as_raw()), ("gid_map", gid.as_raw())];
    for (file, number) in maps {
        let path = format!("/proc/self/{file}");
        if fs::read_to_string(&path)?.is_empty() {
            fs::write(path, format!("0 {number} 1\n"))?;
        }
    }
    Ok(())
}

/// A child that stays outside of the namespace, where the programs that give out numbers work.
struct Scribe(UnixStream);

impl Scribe {
    #[expect(
        unsafe_code,
        reason = "fork is only dangerous beside other threads, and there are none"
    )]
    fn fork(outside: Outside, ranges: &Ranges) -> io::Result<Self> {
        let (ours, mut theirs) = UnixStream::pair()?;
        let parent = getpid();
        // SAFETY: this process has no other thread.
        match unsafe { fork() }? {
            ForkResult::Parent { .. } => Ok(Self(ours)),
            ForkResult::Child => {
                drop(ours);
                let code = i32::from(Self::serve(&mut theirs, parent, outside, ranges).is_err());
                trial::leave(code)
            }
        }
    }

    fn serve(
        parent: &mut UnixStream,
        process: Pid,
        outside: Outside,
        ranges: &Ranges,
    ) -> io::Result<()> {
        parent.read_exact(&mut [0])?;
        ranges.write(Kind::Groups, process, outside.gid.as_raw())?;
        ranges.write(Kind::Users, process, outside.uid.as_raw())?;
        parent.write_all(b"y")
    }

    /// Lets it write; says whether all is written.
    fn write(mut self) -> bool {
        let written = self.0.write_all(b"!").and_then(|()| {
            let mut word = [0];
            self.0.read_exact(&mut word)
        });
        // It is nobody else's child, and this process has no others yet.
        let _ = rustix::process::wait(rustix::process::WaitOptions::empty());
        written.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_knows_as_many_numbers_as_its_ranges_have() {
        assert_eq!(
            count("         0          0 4294967295\n"),
            u64::from(u32::MAX)
        );
        assert_eq!(count("0 1000 1\n"), 1);
        assert_eq!(count("0 1000 1\n1 100000 65536\n"), 65537);
    }

    #[test]
    fn a_map_knows_the_numbers_of_its_ranges_and_no_others() {
        let map = "0 1000 1\n1 100000 10\n";
        let known = [0, 1, 10, 11, 1000].map(|number| contains(map, number));
        assert_eq!(known, [true, true, true, false, false]);
    }
}
