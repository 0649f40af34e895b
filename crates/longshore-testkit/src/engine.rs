//! A private `dockerd` in a sandbox of its own, which a test may stop, kill and start again.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::access::EngineAccess;
use crate::cable::Cable;
use crate::cgroups::remove_group;
use crate::eventually::eventually;
use crate::names::unique_name;
use crate::pki::Pki;
use crate::sandbox::{Lifetime, Sandbox, SandboxId};

/// Every folder of an engine starts with this; the folder's name is also its control group's.
pub(crate) const FOLDER_PREFIX: &str = "longshore-engine";
/// Where engines listen to whoever comes.
const PLAIN_PORT: u16 = 2375;
const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(90);

/// dockerd takes the TCP listener that it is handed on its standard input (systemd's protocol), so
/// that it is reached on this machine's loopback though it lives in another network.
const HAND_OVER: &str =
    r#"exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" --host fd://"#;

/// How else, besides its unix socket, an engine is reached.
#[derive(Debug, Clone, Copy)]
pub enum Door<'a> {
    /// Not at all.
    Unix,
    /// Also by plain TCP on a free port of loopback.
    Tcp,
    /// Also by TLS on a free port of loopback; clients must show a certificate of the same
    /// authority.
    Tls(&'a Pki),
    /// Also by plain TCP at an address of its own, over a cable that can be pulled.
    Cable,
}

/// What is special about an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions<'a> {
    /// Containers go on when the engine stops.
    pub live_restore: bool,
    /// More arguments for `dockerd`.
    pub arguments: Vec<String>,
    /// The second way in.
    pub door: Door<'a>,
    /// Images and containers are kept here instead of in the run folder.
    pub data_root: Option<PathBuf>,
}

impl Default for EngineOptions<'_> {
    fn default() -> Self {
        Self {
            live_restore: false,
            arguments: Vec::new(),
            door: Door::Unix,
            data_root: None,
        }
    }
}

/// A running (or stopped) private engine. When dropped, nothing of it is left.
#[derive(Debug)]
pub struct Engine {
    access: EngineAccess,
    run_dir: PathBuf,
    arguments: Vec<String>,
    listener: Option<TcpListener>,
    cable: Option<Cable>,
    daemon: Option<Child>,
    sandbox: Sandbox,
    lifetime: Lifetime,
}

impl Engine {
    /// Starts an engine without images and waits until it answers.
    ///
    /// # Errors
    /// When namespaces cannot be made (needs root) or dockerd does not come up; the text holds
    /// the end of its log.
    pub fn start(options: &EngineOptions) -> Result<Self> {
        let run_dir = Path::new("/tmp").join(unique_name(FOLDER_PREFIX));
        Self::start_in(run_dir, options, Lifetime::Tied)
    }

    pub(crate) fn start_in(
        run_dir: PathBuf,
        options: &EngineOptions,
        lifetime: Lifetime,
    ) -> Result<Self> {
        fs::create_dir_all(&run_dir)?;
        fs::write(run_dir.join("daemon.json"), "{}")?;
        let sandbox = Sandbox::start(lifetime, &run_dir.join("sandbox.log"))?;
        remember_sandbox(&run_dir, sandbox.id())?;
        let listener = match options.door {
            Door::Unix | Door::Cable => None,
            Door::Tcp | Door::Tls(_) => Some(TcpListener::bind("127.0.0.1:0")?),
        };
        let cable = match options.door {
            Door::Unix | Door::Tcp | Door::Tls(_) => None,
            Door::Cable => Some(Cable::lay(sandbox.id())?),
        };
        let mut arguments = daemon_arguments(&run_dir, options, can_filter(sandbox.id()));
        if let Some(cable) = &cable {
            let address = cable.address();
            arguments.push(format!("--host=tcp://{address}:{PLAIN_PORT}"));
        }
        let mut engine = Self {
            access: EngineAccess::sandboxed(&run_dir.join("docker.sock"), sandbox.id()),
            arguments,
            run_dir,
            listener,
            cable,
            daemon: None,
            sandbox,
            lifetime,
        };
        engine.start_again()?;
        Ok(engine)
    }

    /// Starts dockerd again after [`Engine::stop`] or [`Engine::kill9`], on the same data.
    ///
    /// # Errors
    /// When it runs already, or does not come up.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.daemon.is_none(), "the engine runs already");
        let _ = fs::remove_file(self.pid_file());
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut command = self.launch_command()?;
        command.stdout(log.try_clone()?).stderr(log);
        let daemon = command.spawn().context("could not run nsenter")?;
        self.wait_until_up(daemon)
    }

    /// Stops dockerd as a machine that shuts down would (SIGTERM) and waits for its end. Without
    /// live restore the engine stops its containers.
    ///
    /// # Errors
    /// When it does not run or does not end.
    pub fn stop(&mut self) -> Result<()> {
        self.end_daemon("TERM")
    }

    /// Kills dockerd (and with it its containerd) without warning. Containers go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill9(&mut self) -> Result<()> {
        self.end_daemon("KILL")
    }

    /// The address of the second door.
    ///
    /// # Panics
    /// When the engine was started without one.
    pub fn tcp_address(&self) -> SocketAddr {
        let listener = self
            .listener
            .as_ref()
            .expect("the engine was started with a TCP door");
        listener
            .local_addr()
            .expect("a bound listener has an address")
    }

    /// The cable that leads to it, and the value for `DOCKER_HOST` over it.
    ///
    /// # Panics
    /// When the engine was started without one.
    pub fn cable(&self) -> (&Cable, String) {
        let cable = self.cable.as_ref();
        let cable = cable.expect("the engine was started with a cable");
        (cable, format!("tcp://{}:{PLAIN_PORT}", cable.address()))
    }

    /// How others reach this engine.
    pub fn access(&self) -> &EngineAccess {
        &self.access
    }

    /// What dockerd wrote so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn launch_command(&self) -> Result<Command> {
        let mut command = self.sandbox.id().enter();
        command
            .env_clear()
            .env("HOME", "/root")
            .env("PATH", crate::tethered::SYSTEM_PATH);
        match &self.listener {
            None => command.stdin(Stdio::null()),
            Some(listener) => command
                .args(["sh", "-c", HAND_OVER, "hand-over"])
                .stdin(std::os::fd::OwnedFd::from(listener.try_clone()?)),
        };
        command.arg("dockerd").args(&self.arguments);
        Ok(command)
    }

    fn wait_until_up(&mut self, mut daemon: Child) -> Result<()> {
        let started = Instant::now();
        while !self.access.answers() {
            if let Some(status) = daemon.try_wait()? {
                bail!("dockerd ended with {status}:\n{}", last_lines(&self.log()));
            }
            ensure!(
                started.elapsed() < START_LIMIT,
                "dockerd did not answer within {START_LIMIT:?}:\n{}",
                last_lines(&self.log())
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    fn end_daemon(&mut self, signal: &str) -> Result<()> {
        let mut daemon = self.daemon.take().context("the engine does not run")?;
        let pid = fs::read_to_string(self.pid_file())?.trim().parse()?;
        self.sandbox.id().signal(signal, pid)?;
        eventually("dockerd ended", STOP_LIMIT, || {
            daemon.try_wait().ok().flatten()
        });
        Ok(())
    }

    fn pid_file(&self) -> PathBuf {
        self.run_dir.join("dockerd.pid")
    }

    fn log_file(&self) -> PathBuf {
        self.run_dir.join("dockerd.log")
    }
}

impl Deref for Engine {
    type Target = EngineAccess;
    fn deref(&self) -> &EngineAccess {
        &self.access
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.lifetime == Lifetime::Detached {
            return;
        }
        self.sandbox.end();
        if let Some(daemon) = self.daemon.as_mut() {
            let _ = daemon.wait();
        }
        remove_run_dir(&self.run_dir);
    }
}

/// Removes what a dead engine left: its control groups and its folder.
pub(crate) fn remove_run_dir(run_dir: &Path) {
    if let Some(group) = run_dir.file_name().and_then(|name| name.to_str()) {
        // The kernel takes a moment to end the last process.
        eventually("control groups removed", Duration::from_secs(20), || {
            remove_group(group)
        });
    }
    let _ = fs::remove_dir_all(run_dir);
}

/// The sandbox of the engine in `run_dir`, if it is alive.
pub(crate) fn living_sandbox(run_dir: &Path) -> Option<SandboxId> {
    let text = fs::read_to_string(run_dir.join("sandbox")).ok()?;
    let (pid, started) = text.trim().split_once(' ')?;
    let sandbox = SandboxId(pid.parse().ok()?);
    (sandbox.started_at()? == started.parse::<u64>().ok()?).then_some(sandbox)
}

fn remember_sandbox(run_dir: &Path, sandbox: SandboxId) -> Result<()> {
    let started = sandbox.started_at().context("the sandbox ended at once")?;
    fs::write(run_dir.join("sandbox"), format!("{} {started}", sandbox.0))?;
    Ok(())
}

fn can_filter(sandbox: SandboxId) -> bool {
    let mut command = sandbox.enter();
    command.args(["iptables", "--table", "nat", "--list", "--numeric"]);
    command.env("PATH", crate::tethered::SYSTEM_PATH);
    crate::command::run(&mut command).is_ok()
}

fn daemon_arguments(run_dir: &Path, options: &EngineOptions, filter: bool) -> Vec<String> {
    let data_root = options
        .data_root
        .clone()
        .unwrap_or_else(|| run_dir.join("data"));
    let group = run_dir
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let mut arguments = vec![
        format!("--config-file={}", run_dir.join("daemon.json").display()),
        format!("--data-root={}", data_root.display()),
        format!("--exec-root={}", run_dir.join("exec").display()),
        format!("--pidfile={}", run_dir.join("dockerd.pid").display()),
        format!("--host=unix://{}", run_dir.join("docker.sock").display()),
        format!("--cgroup-parent=/{group}"),
        "--exec-opt=native.cgroupdriver=cgroupfs".to_owned(),
        format!("--iptables={filter}"),
    ];
    if options.live_restore {
        arguments.push("--live-restore".to_owned());
    }
    if let Door::Tls(pki) = options.door {
        arguments.extend(pki.daemon_arguments());
    }
    arguments.extend(options.arguments.iter().cloned());
    arguments
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
