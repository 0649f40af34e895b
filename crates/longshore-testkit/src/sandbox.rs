//! A sandbox: network, mount and process namespaces around one engine.
//!
//! One process, the *holder*, is process 1 of the sandbox. When it ends, the kernel ends every
//! process in it, and with them go the mounts, the bridge and the firewall rules. So cleaning up
//! is one kill, whatever state the engine was in. Loopback is up inside, with a second address
//! that Docker does not count as local ([`PUBLIC_ADDRESS`]): a registry there is treated as if it
//! were far away (TLS is checked).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::command::run;

/// An address (of a block that is kept for documentation) that only exists inside sandboxes.
pub(crate) const PUBLIC_ADDRESS: &str = "198.51.100.1";

const HOLD: &str = r#"
set -e
ip link set lo up
ip address add "$1/32" dev lo
for folder in /run/docker /run/containerd /etc/docker; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
done
echo ready
if [ "$2" = tied ]; then cat >/dev/null; else sleep infinity; fi
:
"#;

/// How long a sandbox lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until this process ends, in whatever way.
    Tied,
    /// Until it is ended by its number, from any process.
    Detached,
}

/// A sandbox that this process started.
#[derive(Debug)]
pub(crate) struct Sandbox {
    holder: Child,
    tie: Option<ChildStdin>,
}

impl Sandbox {
    /// Makes the namespaces; what goes wrong inside is written to `log`.
    pub(crate) fn start(lifetime: Lifetime, log: &Path) -> Result<Self> {
        let mut command = Command::new("setsid");
        command
            .args(["unshare", "--net", "--mount", "--pid", "--fork"])
            .args([
                "--kill-child=KILL",
                "--mount-proc",
                "--propagation",
                "slave",
            ])
            .args(["sh", "-c", HOLD, "longshore-sandbox", PUBLIC_ADDRESS])
            .stdout(Stdio::piped())
            .stderr(File::create(log)?);
        match lifetime {
            Lifetime::Tied => command.arg("tied").stdin(Stdio::piped()),
            Lifetime::Detached => command.arg("detached").stdin(Stdio::null()),
        };
        let mut holder = command.spawn().context("could not run unshare")?;
        let tie = holder.stdin.take();
        let mut ready = String::new();
        if let Some(stdout) = holder.stdout.take() {
            BufReader::new(stdout).read_line(&mut ready)?;
        }
        if ready.trim() == "ready" {
            return Ok(Self { holder, tie });
        }
        let status = holder.wait()?;
        let reason = std::fs::read_to_string(log).unwrap_or_default();
        bail!(
            "could not make namespaces (needs root): {status}: {}",
            reason.trim()
        )
    }

    /// The number by which other processes find the sandbox.
    pub(crate) fn id(&self) -> SandboxId {
        SandboxId(self.holder.id())
    }

    /// Ends everything inside.
    pub(crate) fn end(&mut self) {
        drop(self.tie.take());
        self.id().end();
        // The holder is our child: it must be waited for, and there is nothing to learn from it.
        let _ = self.holder.wait();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.tie.is_some() {
            self.end();
        }
    }
}

/// A sandbox as any process may see it: the number of the process that made its namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SandboxId(pub(crate) u32);

impl SandboxId {
    /// `nsenter` into network, mounts and processes; add the program and its arguments.
    pub(crate) fn enter(self) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.0))
            .args(["--mount", "--net"])
            .arg(format!("--pid=/proc/{}/ns/pid_for_children", self.0))
            .arg("--");
        command
    }

    /// `nsenter` into the network alone.
    pub(crate) fn enter_network(self) -> Command {
        let mut command = Command::new("nsenter");
        command.args([format!("--target={}", self.0).as_str(), "--net", "--"]);
        command
    }

    /// The sandbox's file system as seen from outside.
    pub(crate) fn root(self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.0))
    }

    /// Sends `signal` (as `kill` names it) to a process, by its number inside.
    pub(crate) fn signal(self, signal: &str, pid: u32) -> Result<()> {
        let script = format!("kill -{signal} {pid}");
        run(self.enter().args(["sh", "-c", &script])).map(drop)
    }

    /// Ends everything inside, without waiting.
    pub(crate) fn end(self) {
        if let Some(pid) = i32::try_from(self.0).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// When the process with this number started, in ticks since boot; `None` when it is gone. A
    /// number and its start time together name one process for ever.
    pub(crate) fn started_at(self) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        let mut fields = after_name.split_whitespace();
        if fields.next() == Some("Z") {
            return None;
        }
        fields.nth(18)?.parse().ok()
    }
}
