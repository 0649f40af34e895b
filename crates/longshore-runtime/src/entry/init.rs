//! A small init: PID 1 of a container, which passes signals on to the program, waits for every
//! process that is left to it, and ends as the program does.

use std::io;

use nix::libc;
use nix::sched::{CloneFlags, clone};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, setpgid};
use rustix::process::WaitOptions;

/// Begins what is to become the program. Signals are kept back in init, and only there. Returns when the
/// program is executed, or has ended with what `execute` returned: until then it is in this process's
/// memory, which need not be copied for it.
#[expect(
    unsafe_code,
    reason = "this process stands still while the other one is in its memory"
)]
pub(super) fn begin_program(mut execute: impl FnMut() -> isize) -> io::Result<Pid> {
    const STACK: usize = 128 * 1024;
    let every = SigSet::all();
    every.thread_set_mask()?;
    let mut stack = vec![0; STACK];
    let begin = Box::new(|| {
        // Signals to "the whole group" of the program do not mean init.
        let begun =
            setpgid(Pid::from_raw(0), Pid::from_raw(0)).and_then(|()| every.thread_unblock());
        begun.map_or(1, |()| execute())
    });
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK;
    Ok(unsafe { clone(begin, &mut stack, flags, Some(libc::SIGCHLD)) }?)
}

/// Is init until the program has ended.
pub(super) fn run(program: Pid) -> ! {
    let _ = rustix::thread::set_name(c"init");
    close_all();
    loop {
        match next_signal() {
            libc::SIGCHLD => {
                if let Some(code) = reap(program) {
                    exit(code);
                }
            }
            signal => send(program, signal),
        }
    }
}

/// Waits for whoever ended; the exit code of the program, if it did.
fn reap(program: Pid) -> Option<i32> {
    let mut code = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid.as_raw_nonzero().get() == program.as_raw() {
            let signal = status.terminating_signal().map(|signal| 128 + signal);
            code = status.exit_status().or(signal);
        }
    }
    code
}

#[expect(
    unsafe_code,
    reason = "nothing in this process uses a descriptor any more"
)]
fn close_all() {
    const FIRST: u32 = 3;
    unsafe { libc::close_range(FIRST, u32::MAX, 0) };
}

#[expect(
    unsafe_code,
    reason = "there is no safe way to the signals of real time"
)]
fn next_signal() -> i32 {
    let every = SigSet::all();
    unsafe { libc::sigwaitinfo(every.as_ref(), std::ptr::null_mut()) }
}

#[expect(
    unsafe_code,
    reason = "there is no safe way to the signals of real time"
)]
fn send(program: Pid, signal: i32) {
    // The program may be gone by now. A wait that was interrupted says -1, which is no signal.
    unsafe { libc::kill(program.as_raw(), signal) };
}

/// Ends this process at once.
#[expect(
    unsafe_code,
    reason = "nothing of the supervisor that this is a clone of may run at its end"
)]
pub(crate) fn exit(code: i32) -> ! {
    unsafe { libc::_exit(code) }
}
