//! A command of ours that runs, and how it ended.

use std::fmt;
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use longshore_testkit::eventually;

/// A command that asks or stores something has ended by then.
const COMMAND_LIMIT: Duration = Duration::from_secs(90);

/// How a command ended.
pub struct Done {
    /// Its exit code; 128 and the signal if it was killed.
    pub code: i32,
    /// What it wrote to stdout, as text.
    pub stdout: String,
    /// The exact bytes of its stdout.
    pub stdout_bytes: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: String,
    /// The exact bytes of its stderr.
    pub stderr_bytes: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Debug for Done {
    /// The bytes are there as text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done")
            .field("code", &self.code)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

/// A running command; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    started: Instant,
    stdout: TempFile,
    stderr: TempFile,
}

/// Output of a process: a file, so that a full pipe never stops it.
#[derive(Debug)]
struct TempFile(fs::File);

impl TempFile {
    fn new() -> Self {
        Self(tempfile::tempfile_in("/tmp").expect("/tmp is writable"))
    }

    fn write_end(&self) -> Stdio {
        Stdio::from(self.0.try_clone().expect("a file can be opened twice"))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn bytes(&self) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut bytes = Vec::new();
        let mut part = [0; 8192];
        while let Ok(read @ 1..) = self.0.read_at(&mut part, bytes.len() as u64) {
            bytes.extend_from_slice(&part[..read]);
        }
        bytes
    }
}

impl Process {
    /// Starts `command` with its output kept for [`Process::done`].
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn start(command: &mut Command) -> Self {
        let (stdout, stderr) = (TempFile::new(), TempFile::new());
        command
            .stdout(stdout.write_end())
            .stderr(stderr.write_end());
        Self {
            child: command.spawn().expect("the binary can be run"),
            started: Instant::now(),
            stdout,
            stderr,
        }
    }

    /// What it wrote to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends it a signal, by the name that `kill` knows.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Kills it without warning and waits for its end.
    ///
    /// # Panics
    /// When it had ended already: then it was killed too late.
    #[track_caller]
    pub fn kill9(mut self) {
        let ended = self.child.try_wait().expect("a child of ours");
        assert!(
            ended.is_none(),
            "ended before it was killed: {}",
            self.stderr()
        );
        self.child.kill().expect("a living child");
        self.child.wait().expect("a child of ours");
    }

    /// Asks it to leave and waits for its end.
    #[track_caller]
    pub fn leave(self) -> Done {
        self.signal("TERM");
        self.done()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn done(self) -> Done {
        self.done_within(COMMAND_LIMIT)
    }

    /// Waits for its end, for so long.
    #[track_caller]
    pub fn done_within(mut self, deadline: Duration) -> Done {
        let status = eventually("the command ended", deadline, || {
            let ended = self.child.try_wait().expect("a child of ours");
            ended.ok_or_else(|| self.stderr.text())
        });
        Done {
            code: code_of(status),
            stdout: self.stdout(),
            stdout_bytes: self.stdout.bytes(),
            stderr: self.stderr(),
            stderr_bytes: self.stderr.bytes(),
            took: self.started.elapsed(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let (id, said) = (self.child.id(), self.stderr());
            let _ = writeln!(std::io::stderr(), "--- process {id} said:\n{said}");
        }
    }
}

fn code_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
