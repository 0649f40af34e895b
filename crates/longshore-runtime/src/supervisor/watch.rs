//! Watching over a container that runs: until it ends, its output is carried, its limits of time are
//! kept, and what others ask for is done.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nix::libc;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus};
use rustix::time::Timespec;

use super::desk::{Desk, Visit};
use super::pump::Pump;
use crate::cgroup::{Cgroup, Counters, Layout};
use crate::control::{Reply, Request};
use crate::{ContainerConfig, EndCause, Ended, Totals};

/// A container that runs.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) config: &'a ContainerConfig,
    pub(super) cgroup: Cgroup,
    pub(super) init: OwnedFd,
    pub(super) pump: Pump,
    pub(super) started: Started,
    pub(super) fate: Fate,
}

/// When it began, by both clocks: that of the machine may be put forward or back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub(super) at: Timestamp,
    instant: Instant,
}

impl Started {
    /// Now, read off both at once: what they are apart would be missing from every run.
    pub(super) fn now() -> Self {
        Self {
            at: Timestamp::now(),
            instant: Instant::now(),
        }
    }
}

/// What is to become of it, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    cause: EndCause,
    /// It is asked to stop then.
    limit: Option<Instant>,
    /// It is killed then.
    kill: Option<Instant>,
}

impl Fate {
    /// That of a container that began to run just now.
    pub(super) fn of(config: &ContainerConfig, begun: Instant) -> Self {
        let limit = config.run_limit_millis.map(Duration::from_millis);
        Self {
            cause: EndCause::Itself,
            limit: limit.and_then(|limit| begun.checked_add(limit)),
            kill: None,
        }
    }

    /// The first cause is the cause, and the first kill is the kill.
    fn seal(&mut self, cause: EndCause, grace: Duration, now: Instant) {
        if self.cause == EndCause::Itself {
            self.cause = cause;
        }
        let kill = now.checked_add(grace);
        self.kill = match (self.kill, kill) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        self.limit = None;
    }

    fn next(&self) -> Option<Instant> {
        self.limit.into_iter().chain(self.kill).min()
    }
}

impl Watch<'_> {
    /// Returns when it has ended, and all of its output is in the log.
    pub(super) fn until_end(mut self, desk: &mut Desk) -> Ended {
        let status = loop {
            self.wait(desk);
            self.pump.turn();
            if let Some(status) = self.ended() {
                break status;
            }
            for visit in desk.visits() {
                self.receive(visit);
            }
            self.keep_limits(Instant::now());
        };
        let elapsed = SignedDuration::try_from(self.started.instant.elapsed());
        let finished_at = elapsed
            .ok()
            .and_then(|elapsed| self.started.at.checked_add(elapsed).ok());
        let counters = match self.cgroup.layout() {
            Layout::V1(_) | Layout::V2(_) => self.cgroup.spent(),
            Layout::Closed => of_children(),
        };
        Ended {
            code: code_of(&status),
            cause: self.fate.cause,
            oom_killed: counters.oom_kills.is_some_and(|kills| kills > 0),
            started_at: self.started.at,
            finished_at: finished_at.unwrap_or(self.started.at),
            totals: totals(&counters),
            log: self.pump.finish(),
        }
    }

    fn wait(&self, desk: &Desk) {
        let sources = desk.sources().chain(self.pump.sources());
        let sources = sources.chain([self.init.as_fd()]);
        let mut polled: Vec<PollFd<'_>> = sources
            .map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN))
            .collect();
        let left = self.fate.next().map(|next| {
            let left = next.saturating_duration_since(Instant::now());
            Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: i64::from(i32::MAX),
                tv_nsec: 0,
            })
        });
        // An interruption is as good a reason to look as any.
        let _ = poll(&mut polled, left.as_ref());
    }

    fn ended(&self) -> Option<WaitIdStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let waited = rustix::process::waitid(WaitId::PidFd(self.init.as_fd()), options);
        waited.ok().flatten()
    }

    fn receive(&mut self, visit: Visit) {
        match visit.request {
            Request::Await => {}
            Request::Signal(signal) => {
                if signal == libc::SIGKILL {
                    self.fate
                        .seal(EndCause::Stopped, Duration::ZERO, Instant::now());
                }
                self.send(signal);
            }
            Request::Stop {
                signal,
                grace_millis,
            } => {
                let grace = Duration::from_millis(grace_millis);
                self.fate.seal(EndCause::Stopped, grace, Instant::now());
                self.send(signal);
            }
        }
        visit.answer(Reply::Done);
    }

    fn keep_limits(&mut self, now: Instant) {
        if self.fate.limit.is_some_and(|limit| limit <= now) {
            let grace = Duration::from_millis(self.config.stop_grace_millis);
            self.fate.seal(EndCause::RunLimit, grace, now);
            self.send(self.config.stop_signal);
        }
        if self.fate.kill.is_some_and(|kill| kill <= now) {
            self.fate.kill = None;
            self.send(libc::SIGKILL);
        }
    }

    #[expect(
        unsafe_code,
        reason = "there is no safe way to the signals of real time"
    )]
    fn send(&self, signal: i32) {
        const LAST: i32 = 64;
        if (1..=LAST).contains(&signal) {
            // SAFETY: this is a signal of the kernel, and goes to another process.
            let signal = unsafe { Signal::from_raw_unchecked(signal) };
            // It may have ended: that is seen next.
            let _ = rustix::process::pidfd_send_signal(&self.init, signal);
        }
    }
}

fn code_of(status: &WaitIdStatus) -> i32 {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or(signal).unwrap_or(255)
}

/// What the kernel counted for the processes that this one waited for, the container's first and those
/// that it waited for in turn. Their memory is that of the largest of them.
fn of_children() -> Counters {
    const MICROS_PER_SECOND: i64 = 1_000_000;
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else {
        return Counters::default();
    };
    let micros = |time: TimeVal| time.tv_sec() * MICROS_PER_SECOND + time.tv_usec();
    let nanos = (micros(usage.user_time()) + micros(usage.system_time())).saturating_mul(1000);
    Counters {
        cpu_nanos: u64::try_from(nanos).ok(),
        peak_memory_bytes: u64::try_from(usage.max_rss().saturating_mul(1024)).ok(),
        ..Counters::default()
    }
}

fn totals(counters: &Counters) -> Totals {
    Totals {
        peak_memory_bytes: counters.peak_memory_bytes,
        cpu_nanos: counters.cpu_nanos,
        block_read_bytes: counters.block_read_bytes,
        block_write_bytes: counters.block_write_bytes,
    }
}
