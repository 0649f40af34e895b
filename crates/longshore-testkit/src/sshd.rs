//! A private OpenSSH server on loopback, for engines that are reached by `ssh://`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::access::EngineAccess;
use crate::command::run;
use crate::names::temp_dir;
use crate::registry::free_port;
use crate::tethered::{SYSTEM_PATH, Tethered};

/// A running server that lets the user who runs the tests in, with a key of its own. Whoever logs
/// in finds `DOCKER_HOST` set to the engine that it was started for.
#[derive(Debug)]
pub struct Sshd {
    folder: TempDir,
    port: u16,
    user: String,
    server: Tethered,
}

impl Sshd {
    /// Starts a server with fresh keys.
    ///
    /// # Errors
    /// When Debian's `openssh-server` is missing or does not start.
    pub fn start(engine: &EngineAccess) -> Result<Self> {
        let folder = temp_dir();
        let port = free_port()?;
        for name in ["host-key", "client-key"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.path().join(name));
            run(&mut keygen)?;
        }
        let user = run(Command::new("id").arg("--user").arg("--name"))?
            .trim()
            .to_owned();
        write_configs(folder.path(), port, engine)?;
        // Where the server, run by root, keeps an empty folder; its package makes it at boot.
        let _ = fs::create_dir_all("/run/sshd");
        let config = folder.path().join("sshd_config").display().to_string();
        let server = Tethered::start(
            Command::new("sh"),
            &["/usr/sbin/sshd", "-D", "-e", "-f", &config],
            port,
            &folder.path().join("sshd.log"),
        )?;
        Ok(Self {
            folder,
            port,
            user,
            server,
        })
    }

    /// `ssh://user@127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", self.user, self.port)
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that is let in.
    pub fn client_key(&self) -> PathBuf {
        self.folder.path().join("client-key")
    }

    /// A client configuration that knows the key and the server, for `ssh -F`.
    pub fn client_config(&self) -> PathBuf {
        self.folder.path().join("ssh_config")
    }

    /// A folder to put first in `PATH`: its `ssh` uses [`Sshd::client_config`], so that programs
    /// which call `ssh` themselves get in without touching the user's own settings.
    pub fn path_dir(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// Ends the server and every session's way in.
    pub fn stop(&mut self) {
        self.server.end();
    }
}

fn write_configs(folder: &Path, port: u16, engine: &EngineAccess) -> Result<()> {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::copy(
        folder.join("client-key.pub"),
        folder.join("authorized_keys"),
    )?;
    let server = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
         UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\n\
         SetEnv DOCKER_HOST={} PATH={SYSTEM_PATH}\n",
        path("host-key"),
        path("authorized_keys"),
        engine.docker_host(),
    );
    fs::write(folder.join("sshd_config"), server)?;
    let host_key = fs::read_to_string(folder.join("host-key.pub"))?;
    fs::write(
        folder.join("known_hosts"),
        format!("[127.0.0.1]:{port} {host_key}"),
    )?;
    let client = format!(
        "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  \
         StrictHostKeyChecking yes\n  BatchMode yes\n",
        path("client-key"),
        path("known_hosts"),
    );
    fs::write(folder.join("ssh_config"), client)?;
    let bin = folder.join("bin");
    fs::create_dir(&bin)?;
    let wrapper = format!(
        "#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n",
        path("ssh_config")
    );
    write_program(&bin.join("ssh"), &wrapper)
}

fn write_program(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
