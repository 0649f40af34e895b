//! A wall clock of a process's own, which a test may put forward and back while the process runs.
//!
//! It is Debian's libfaketime, loaded into the process: the kernel has no wall clocks apart. Clocks that
//! only count on (of sleeps and deadlines) stay as they are, as when a machine's clock is set.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use longshore_testkit::temp_dir;
use tempfile::TempDir;

/// The loader finds the folder of the machine's architecture by `$LIB`.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// A clock; it goes right until it is set.
#[derive(Debug)]
pub struct WallClock {
    folder: TempDir,
}

impl WallClock {
    /// A clock that goes right.
    ///
    /// # Panics
    /// When it cannot be set.
    pub fn right() -> Self {
        let clock = Self { folder: temp_dir() };
        clock.set_ahead(0);
        clock
    }

    /// Puts it so many seconds ahead of the right time; back, if the number is negative.
    ///
    /// # Panics
    /// When it cannot be set.
    pub fn set_ahead(&self, secs: i64) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{secs:+}")).expect("a folder of our own");
        fs::rename(new, self.file()).expect("a folder of our own");
    }

    /// Gives it to a process that is to be started.
    pub fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", LIBRARY)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_RESET", "1");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}

#[cfg(test)]
mod tests {
    use longshore_testkit::run;

    use super::*;

    fn seconds_of(clock: &WallClock) -> u64 {
        let mut date = Command::new("date");
        clock.give_to(date.arg("+%s"));
        let printed = run(&mut date).expect("a date");
        printed.trim().parse().expect("a number")
    }

    #[test]
    fn it_is_put_forward_and_back() {
        let clock = WallClock::right();
        let right = seconds_of(&clock);
        clock.set_ahead(7200);
        assert!(seconds_of(&clock) >= right + 7200);
        clock.set_ahead(-7200);
        assert!(seconds_of(&clock) < right);
    }
}
