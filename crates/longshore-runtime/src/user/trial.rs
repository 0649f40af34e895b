//! Whether a user namespace would be of use here, found out by a child that makes one.

use std::fs;
use std::io;

use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::{ForkResult, fork};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::{WaitOptions, getegid, geteuid};

use super::Outside;

/// Why an ordinary user is not root of a namespace of his own. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoNamespace {
    /// The kernel does not make one.
    #[error("the kernel makes no user namespace for this user ({0}): {advice}", advice = advice())]
    Made(io::Error),
    /// It has no numbers in it.
    #[error("the user namespace knows no users ({0}): {advice}", advice = advice())]
    Mapped(io::Error),
    /// Nothing can be mounted in it.
    #[error("nothing can be mounted in a user namespace here ({0}): {advice}", advice = advice())]
    Mounted(io::Error),
}

/// Switches of the kernel that keep users from it: the value that does, and how to turn it.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "sysctl user.max_user_namespaces=15000",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for longshore \
         with the rule `userns,`",
    ),
];
const OTHERWISE: &str = "use the socket of Docker or Podman, or be root";

/// What to do about it.
fn advice() -> String {
    let is_set =
        |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let switch = SWITCHES.iter().find(|(path, value, _)| is_set(path, value));
    switch.map_or_else(
        || OTHERWISE.to_owned(),
        |(_, _, turn)| format!("have root run `{turn}`, or {OTHERWISE}"),
    )
}

/// Makes one in a child, which goes away with it.
pub(super) fn attempt() -> Result<(), NoNamespace> {
    let status = in_child().map_err(NoNamespace::Made)?;
    let (step, errno) = (status >> 16, status & 0xffff);
    let why = io::Error::from_raw_os_error(errno);
    match step {
        0 => Ok(()),
        1 => Err(NoNamespace::Made(why)),
        2 => Err(NoNamespace::Mapped(why)),
        _ => Err(NoNamespace::Mounted(why)),
    }
}

/// Nothing, or at which step it failed and why.
fn in_child() -> io::Result<i32> {
    let (reader, writer) = rustix::pipe::pipe()?;
    #[expect(
        unsafe_code,
        reason = "fork is only dangerous beside other threads, and there are none"
    )]
    // SAFETY: this process has no other thread.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let said = steps().err().unwrap_or(0);
            let _ = rustix::io::write(&writer, &said.to_ne_bytes());
            leave(0)
        }
        ForkResult::Parent { .. } => {
            drop(writer);
            let mut said = [0; 4];
            let length = rustix::io::read(&reader, &mut said)?;
            let _ = rustix::process::wait(WaitOptions::empty());
            if length < said.len() {
                return Err(io::Error::other("a child that tried it has died"));
            }
            Ok(i32::from_ne_bytes(said))
        }
    }
}

fn steps() -> Result<(), i32> {
    let outside = Outside {
        uid: geteuid(),
        gid: getegid(),
    };
    let failed = |step: i32| move |why: io::Error| step << 16 | why.raw_os_error().unwrap_or(0);
    let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS;
    nix::sched::unshare(flags).map_err(|why| failed(1)(why.into()))?;
    super::write_single(outside).map_err(failed(2))?;
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    let mounted = rustix::mount::mount_change("/", flags)
        .and_then(|()| rustix::mount::mount("trial", "/tmp", "tmpfs", MountFlags::empty(), None));
    mounted.map_err(|why| failed(3)(why.into()))
}

/// Ends a child without what its parent would do at its end.
#[expect(
    unsafe_code,
    reason = "nothing of the parent's is to be flushed or closed here"
)]
pub(super) fn leave(code: i32) -> ! {
    // SAFETY: ends this process and touches nothing.
    unsafe { libc::_exit(code) }
}
