//! Runs the guest to its end and hears how its checks went.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::parts::Parts;
use crate::steps::say;

/// Longer than a machine takes that has much else to do.
const LONGEST_SECONDS: u32 = 30 * 60;
const MEMORY_MEBIBYTES: &str = "1536";
/// What the guest's own lines begin with.
const MARK: &str = "guest: ";

/// How the checks went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) held: usize,
    pub(super) failed: usize,
    done: bool,
}

impl Tally {
    fn count(&mut self, line: &str) {
        let Some(said) = line.strip_prefix(MARK) else {
            return;
        };
        self.held += usize::from(said.starts_with("ok: "));
        self.failed += usize::from(said.starts_with("FAILED: "));
        self.done |= said == "done";
    }
}

/// Boots it with this root and prints what it says.
pub(super) fn run(parts: &Parts, root: &Path) -> Result<Tally> {
    let mut qemu = parts.qemu(LONGEST_SECONDS);
    // The processor is emulated everywhere: not every machine lends its own.
    qemu.args(["-machine", "pc", "-accel", "tcg", "-cpu", "max"])
        .args(["-smp", "2", "-m", MEMORY_MEBIBYTES])
        .args([
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-serial",
            "stdio",
        ])
        .arg("-kernel")
        .arg(parts.kernel()?)
        .arg("-initrd")
        .arg(root)
        .args([
            "-append",
            "console=ttyS0 quiet loglevel=1 panic=-1 no_timer_check",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = qemu.spawn().context("could not run QEMU")?;
    let stdout = child.stdout.take().context("QEMU has an output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        tally.count(line.trim_end());
        say(line.trim_end());
    }
    let status = child.wait()?;
    ensure!(
        tally.done,
        "the guest did not come to its end: QEMU ended with {status}"
    );
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_counted_by_the_lines_of_the_guest_alone() {
        let mut tally = Tally::default();
        for line in [
            "guest: ok: it runs (1.0 s)",
            "guest: FAILED: it ends (2.0 s)",
            "    guest: ok: not a line of its own",
            "ok: nor this",
            "guest: done",
        ] {
            tally.count(line);
        }
        let expected = Tally {
            held: 1,
            failed: 1,
            done: true,
        };
        assert_eq!(tally, expected);
    }
}
