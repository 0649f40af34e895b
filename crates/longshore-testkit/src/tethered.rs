//! An outside server that ends when we do, even when we are killed.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Servers live in folders that are not on every user's path.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A shell that runs the server and kills it when its own input ends: that happens when this
/// process closes its end of the pipe, or dies.
const TETHER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill -KILL $server; } &
wait $server
"#;

const START_LIMIT: Duration = Duration::from_secs(20);

/// A server on a TCP port.
#[derive(Debug)]
pub(crate) struct Tethered {
    shell: Child,
    tie: Option<ChildStdin>,
}

impl Tethered {
    /// Runs `server` (a whole command line) below `prefix`, a command that runs its arguments,
    /// and waits until it listens on `port`.
    pub(crate) fn start(
        mut prefix: Command,
        server: &[&str],
        port: u16,
        log: &Path,
    ) -> Result<Self> {
        let file = File::create(log)?;
        let mut shell = prefix
            .args(["-c", TETHER, "tether"])
            .args(server)
            .env("PATH", SYSTEM_PATH)
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("could not run {prefix:?}"))?;
        let tie = shell.stdin.take();
        let mut tethered = Self { shell, tie };
        tethered.wait_until_listening(server, port, log)?;
        Ok(tethered)
    }

    /// Kills the server and waits for its end.
    pub(crate) fn end(&mut self) {
        drop(self.tie.take());
        let _ = self.shell.wait();
    }

    fn wait_until_listening(&mut self, server: &[&str], port: u16, log: &Path) -> Result<()> {
        let started = Instant::now();
        while !listens(self.shell.id(), port) {
            let said = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.shell.try_wait()? {
                bail!("{} ended with {status}: {}", server.join(" "), said());
            }
            ensure!(
                started.elapsed() < START_LIMIT,
                "{} does not listen on port {port}: {}",
                server.join(" "),
                said()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Tethered {
    fn drop(&mut self) {
        self.end();
    }
}

/// Does anything listen on `port` in the network of process `pid`?
fn listens(pid: u32, port: u16) -> bool {
    let tables = ["tcp", "tcp6"].map(|table| format!("/proc/{pid}/net/{table}"));
    tables
        .iter()
        .flat_map(fs::read_to_string)
        .any(|table| table_has_listener(&table, port))
}

fn table_has_listener(table: &str, port: u16) -> bool {
    const LISTEN: &str = "0A";
    let local_end = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields
            .next()
            .is_some_and(|local| local.ends_with(&local_end));
        local && fields.nth(1) == Some(LISTEN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue\n   \
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   \
        1: 0100007F:1F91 0100007F:C350 01 00000000:00000000\n";

    #[test]
    fn only_a_listening_socket_counts() {
        assert!(table_has_listener(TABLE, 8080));
        assert!(!table_has_listener(TABLE, 8081));
        assert!(!table_has_listener(TABLE, 50_000));
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_words() {
        let log = crate::names::temp_dir();
        let server = ["sh", "-c", "echo no licence; exit 4"];
        let error = Tethered::start(Command::new("sh"), &server, 1, &log.path().join("log"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no licence"), "{error}");
    }
}
