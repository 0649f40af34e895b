//! Standard output for what was asked for, standard error for our talk.
//!
//! A reader that went away is an error like any other here; the exit code decides what it means.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::args::ColorWhen;

type Sink = Mutex<Box<dyn Write + Send>>;

/// How the console was asked to behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// When to use colour.
    pub(crate) color: ColorWhen,
    /// `NO_COLOR` is set.
    pub(crate) no_color: bool,
    /// Only what was asked for.
    pub(crate) quiet: bool,
}

/// The two streams of this process.
pub(crate) struct Console {
    out: Sink,
    err: Sink,
    color_out: bool,
    color_err: bool,
    talk: Talk,
}

/// How much is said beside what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    /// Nothing but errors.
    Quiet,
    /// Lines.
    Lines,
    /// Lines that are rewritten.
    Live,
}

impl Console {
    /// The process's own streams.
    pub(crate) fn of_process(manners: Manners) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let color = |is_terminal: bool| match manners.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !manners.no_color,
        };
        Self {
            color_out: color(stdout.is_terminal()),
            color_err: color(stderr.is_terminal()),
            talk: match (manners.quiet, stderr.is_terminal()) {
                (true, _) => Talk::Quiet,
                (false, true) => Talk::Live,
                (false, false) => Talk::Lines,
            },
            // One system call per flush: container output comes in many small frames.
            out: Mutex::new(Box::new(io::BufWriter::with_capacity(64 * 1024, stdout))),
            err: Mutex::new(Box::new(stderr)),
        }
    }

    /// Writes bytes to standard output as they are; nothing is sure before [`Self::flush`].
    pub(crate) fn write_out(&self, bytes: &[u8]) -> io::Result<()> {
        lock(&self.out).write_all(bytes)
    }

    /// Writes bytes to standard error as they are. That nobody reads it is no reason to fail.
    pub(crate) fn write_err(&self, bytes: &[u8]) {
        let _ = lock(&self.err).write_all(bytes);
    }

    /// Sends what was written on its way.
    pub(crate) fn flush(&self) -> io::Result<()> {
        lock(&self.out).flush()
    }

    /// One line of what was asked for.
    pub(crate) fn print(&self, line: &str) -> io::Result<()> {
        let mut out = lock(&self.out);
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// One line of talk; silent when quiet.
    pub(crate) fn say(&self, line: &str) {
        if self.talk != Talk::Quiet {
            self.complain(line);
        }
    }

    /// One line that must be said.
    pub(crate) fn complain(&self, line: &str) {
        self.write_err(format!("{line}\n").as_bytes());
    }

    /// A line on standard error that can be rewritten; hidden where there is no terminal.
    pub(crate) fn live_bar(&self) -> ProgressBar {
        ProgressBar::with_draw_target(None, self.live_target())
    }

    /// Several such lines, one below the other.
    pub(crate) fn live_bars(&self) -> MultiProgress {
        MultiProgress::with_draw_target(self.live_target())
    }

    fn live_target(&self) -> ProgressDrawTarget {
        if self.is_live() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        }
    }

    /// Whether lines can be rewritten.
    pub(crate) fn is_live(&self) -> bool {
        self.talk == Talk::Live
    }

    /// Whether standard output takes colour.
    pub(crate) fn colors_out(&self) -> bool {
        self.color_out
    }

    /// Text that stands back, on standard error.
    pub(crate) fn dim(&self, text: &str) -> String {
        if self.color_err {
            format!("\u{1b}[2m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn lock(sink: &Sink) -> MutexGuard<'_, Box<dyn Write + Send>> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod recorded {
    //! A console that remembers.

    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::{Console, Talk};

    /// What was written to one stream.
    #[derive(Clone, Default)]
    pub(crate) struct Record(Arc<Mutex<Vec<u8>>>);

    impl Record {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Record {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A console without colour, and what goes to its two streams.
    pub(crate) fn console() -> (Console, Record, Record) {
        let (out, err) = (Record::default(), Record::default());
        let console = Console {
            out: Mutex::new(Box::new(out.clone())),
            err: Mutex::new(Box::new(err.clone())),
            color_out: false,
            color_err: false,
            talk: Talk::Lines,
        };
        (console, out, err)
    }
}
