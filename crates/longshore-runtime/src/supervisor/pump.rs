//! Carries a container's output from its two pipes to its log.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use jiff::Timestamp;
use longshore_core::log::Stream;
use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;

use crate::LogTotals;
use crate::log::{Lines, LogWriter};

/// Room in a pipe, so that a container need not wait for every line to be taken.
const ROOM: usize = 256 * 1024;
const BUFFER: usize = 128 * 1024;

/// Carries output to the log.
#[derive(Debug)]
pub(super) struct Pump {
    log: LogWriter,
    outputs: [Output; 2],
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Output {
    /// None when it has ended.
    pipe: Option<OwnedFd>,
    lines: Lines,
}

/// Where a container writes to.
#[derive(Debug)]
pub(super) struct Inlets {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

impl Pump {
    /// A pump, and where to write to.
    pub(super) fn new(log: LogWriter) -> io::Result<(Self, Inlets)> {
        let (stdout, stdout_inlet) = pipe()?;
        let (stderr, stderr_inlet) = pipe()?;
        let outputs = [(stdout, Stream::Stdout), (stderr, Stream::Stderr)];
        let pump = Self {
            log,
            outputs: outputs.map(|(pipe, stream)| Output {
                pipe: Some(pipe),
                lines: Lines::of(stream),
            }),
            buffer: vec![0; BUFFER],
        };
        let inlets = Inlets {
            stdout: stdout_inlet,
            stderr: stderr_inlet,
        };
        Ok((pump, inlets))
    }

    /// What to wait for, so that [`turn`](Self::turn) has something to carry.
    pub(super) fn sources(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let pipes = self
            .outputs
            .iter()
            .filter_map(|output| output.pipe.as_ref());
        pipes.map(AsFd::as_fd)
    }

    /// Carries what is there at once. Says whether there was anything.
    pub(super) fn turn(&mut self) -> bool {
        let mut was_any = false;
        for output in &mut self.outputs {
            let Some(pipe) = &output.pipe else {
                continue;
            };
            match rustix::io::read(pipe, self.buffer.as_mut_slice()) {
                Ok(0) => output.pipe = None,
                Ok(length) => {
                    was_any = true;
                    let now = Timestamp::now();
                    output
                        .lines
                        .feed(&self.buffer[..length], now, &mut self.log);
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(_) => output.pipe = None,
            }
        }
        if was_any {
            self.log.flush(Timestamp::now());
        }
        was_any
    }

    /// The container has ended: what it wrote is all in the pipes, whoever else has them still.
    pub(super) fn finish(mut self) -> LogTotals {
        while self.turn() {}
        let now = Timestamp::now();
        for output in &mut self.outputs {
            output.lines.end(now, &mut self.log);
        }
        self.log.flush(now);
        self.log.totals()
    }
}

/// A pipe that is read without waiting.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (outlet, inlet) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let flags = rustix::fs::fcntl_getfl(&outlet)?;
    rustix::fs::fcntl_setfl(&outlet, flags | OFlags::NONBLOCK)?;
    // More than the kernel gives at first is a favour.
    let _ = rustix::pipe::fcntl_setpipe_size(&outlet, ROOM);
    Ok((outlet, inlet))
}
