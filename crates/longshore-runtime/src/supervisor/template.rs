//! The process that supervisors are forks of.
//!
//! It has one thread, reads nothing of any container, and keeps nothing of a supervisor that it has
//! begun: each one is as the first. It ends when whoever executed it has.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::libc;
use nix::unistd::{ForkResult, fork};
use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::starter::Starter;
use crate::launch::ORDER_MAX;

/// Waits for orders. Returns as a supervisor with one of them, or not as one when there will be none.
pub(super) fn wait() -> io::Result<Option<Starter>> {
    let orders = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    children_are_waited_for(libc::SIG_IGN);
    loop {
        let Some((text, stream, folder)) = next(&orders)? else {
            return Ok(None);
        };
        #[expect(
            unsafe_code,
            reason = "fork is only dangerous beside other threads, and there are none"
        )]
        // One that cannot be made is missed by whoever holds the other end of the stream.
        let forked = unsafe { fork() };
        if let Ok(ForkResult::Child) = forked {
            children_are_waited_for(libc::SIG_DFL);
            rustix::process::fchdir(&folder)?;
            return Starter::new(stream, &text).map(Some);
        }
    }
}

/// Ignored: by the kernel.
#[expect(unsafe_code, reason = "no handler is installed")]
fn children_are_waited_for(how: libc::sighandler_t) {
    // SAFETY: neither of the two dispositions runs anything.
    unsafe { libc::signal(libc::SIGCHLD, how) };
}

/// The next order with its stream and its folder; none when nobody is there to give one.
fn next(orders: &OwnedFd) -> io::Result<Option<(Vec<u8>, UnixStream, OwnedFd)>> {
    let mut text = vec![0; ORDER_MAX];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut room = [IoSliceMut::new(&mut text)];
        match recvmsg(orders, &mut room, &mut with, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Ok(None),
            received => break received?,
        }
    };
    let rights = with.drain().find_map(|message| {
        let RecvAncillaryMessage::ScmRights(rights) = message else {
            return None;
        };
        Some(rights)
    });
    let mut rights = rights.into_iter().flatten();
    let (Some(stream), Some(folder)) = (rights.next(), rights.next()) else {
        return Ok(None);
    };
    text.truncate(received.bytes);
    Ok(Some((text, stream.into(), folder)))
}
