//! A real image registry (Debian's `docker-registry`) in the network of an engine.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::access::EngineAccess;
use crate::command::{feed_text, run};
use crate::names::{temp_dir, unique_name};
use crate::pki::Pki;
use crate::tethered::Tethered;

/// Who may use a registry, and how it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// Anybody, by plain HTTP on loopback (which engines allow there).
    Open,
    /// Who knows the password, by plain HTTP on loopback.
    Password,
    /// Anybody, by TLS with a certificate that the engine trusts, and this machine for that address.
    Tls,
    /// Anybody, by TLS with a certificate that the engine does not trust.
    TlsUntrusted,
}

impl RegistryKind {
    fn has_tls(self) -> bool {
        match self {
            Self::Open | Self::Password => false,
            Self::Tls | Self::TlsUntrusted => true,
        }
    }
}

/// A user of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A running registry; when dropped, it ends and its images are gone.
#[derive(Debug)]
pub struct Registry {
    address: String,
    credentials: Option<Credentials>,
    folder: TempDir,
    server: Tethered,
    /// Folders that say who vouches for it.
    trust: Vec<PathBuf>,
    pki: Option<Pki>,
}

impl Registry {
    /// Starts an empty registry that `engine` can reach. It lives in the engine's network: when
    /// that is a sandbox, this process itself cannot connect to it.
    ///
    /// # Errors
    /// When `docker-registry` (or, for passwords, `htpasswd`) is missing or does not start.
    pub fn start(engine: &EngineAccess, kind: RegistryKind) -> Result<Self> {
        let mut registry = Self::start_for(engine, kind)?;
        if let (Some(pki), RegistryKind::Tls) = (&registry.pki, kind) {
            for who in [engine, &EngineAccess::nobodys()] {
                let folder = who.certificates_dir().join(&registry.address);
                registry.trust.push(folder.clone());
                trust(&folder, pki)?;
            }
        }
        Ok(registry)
    }

    /// Starts an empty registry in the network of this process; no engine trusts its certificate.
    ///
    /// # Errors
    /// As [`Registry::start`].
    pub fn start_here(kind: RegistryKind) -> Result<Self> {
        Self::start_for(&EngineAccess::nobodys(), kind)
    }

    fn start_for(engine: &EngineAccess, kind: RegistryKind) -> Result<Self> {
        let folder = temp_dir();
        let port = free_port()?;
        // An engine trusts anything on 127.0.0.0/8; only elsewhere does it check certificates.
        let ip = if kind.has_tls() {
            engine.public_address()
        } else {
            None
        };
        let address = format!("{}:{port}", ip.unwrap_or("127.0.0.1"));
        let pki = if kind.has_tls() {
            Some(Pki::new()?)
        } else {
            None
        };
        let credentials = match kind {
            RegistryKind::Password => Some(write_password_file(&folder)?),
            RegistryKind::Open | RegistryKind::Tls | RegistryKind::TlsUntrusted => None,
        };
        let config = write_config(&folder, &address, credentials.is_some(), pki.as_ref())?;
        let server = Tethered::start(
            engine.command_in_network("sh"),
            &["docker-registry", "serve", &config],
            port,
            &folder.path().join("registry.log"),
        )?;
        Ok(Self {
            address,
            credentials,
            folder,
            server,
            trust: Vec::new(),
            pki,
        })
    }

    /// `IP:PORT`, the first part of its images' names.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Who may use it; `None` when anybody may.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The full reference of `name` (such as `team/app:1`) in this registry.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Who vouches for its certificate; `None` when it has none.
    pub fn authority(&self) -> Option<PathBuf> {
        self.pki.as_ref().map(Pki::authority)
    }

    /// Where it keeps the bytes of a blob, by digest (`sha256:…`): to be broken by tests.
    pub fn blob_file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = "images/docker/registry/v2/blobs/sha256";
        self.folder
            .path()
            .join(blobs)
            .join(&hex[..2])
            .join(hex)
            .join("data")
    }

    /// The digest of the manifest that has this name (such as `team/app:1`); `None` when none has.
    pub fn digest_of(&self, name: &str) -> Option<String> {
        let (repository, tag) = name.split_once(':')?;
        let tags = format!("images/docker/registry/v2/repositories/{repository}/_manifests/tags");
        let link = self.folder.path().join(tags).join(tag).join("current/link");
        fs::read_to_string(link).ok()
    }

    /// Pushes an image that `engine` has, under a new name, and returns the full reference. The
    /// engine does not keep that name, so that a pull is a real one.
    ///
    /// # Errors
    /// What the engine says.
    pub fn push(&self, engine: &EngineAccess, image: &str, name: &str) -> Result<String> {
        let reference = self.reference(name);
        let config = self.docker_config()?;
        engine.docker(["tag", image, &reference])?;
        let pushed = run(engine
            .docker_command()
            .env("DOCKER_CONFIG", config.path())
            .args(["push", "--quiet", &reference]));
        engine.docker(["image", "rm", "--no-prune", &reference])?;
        pushed.map(|_| reference)
    }

    /// A folder for `DOCKER_CONFIG` whose `config.json` holds the credentials, if there are any.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn docker_config(&self) -> Result<TempDir> {
        let folder = temp_dir();
        let auths = match &self.credentials {
            None => json!({}),
            Some(who) => json!({ &self.address: { "auth": base64_of(who)? } }),
        };
        fs::write(
            folder.path().join("config.json"),
            json!({ "auths": auths }).to_string(),
        )?;
        Ok(folder)
    }

    /// Ends the server; its address then refuses connections.
    pub fn stop(&mut self) {
        self.server.end();
    }

    /// What the registry wrote so far (its access log among it).
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("registry.log")).unwrap_or_default()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
        for folder in &self.trust {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// A port that is free on this machine; in a sandbox hardly any port is taken.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn write_password_file(folder: &TempDir) -> Result<Credentials> {
    let who = Credentials {
        user: "sailor".to_owned(),
        password: unique_name("secret"),
    };
    let lines = run(Command::new("htpasswd").args(["-nbBC", "5", &who.user, &who.password]))
        .context("htpasswd comes with Debian's package apache2-utils")?;
    fs::write(folder.path().join("htpasswd"), lines)?;
    Ok(who)
}

fn write_config(
    folder: &TempDir,
    address: &str,
    password: bool,
    pki: Option<&Pki>,
) -> Result<String> {
    let mut config = json!({
        "version": "0.1",
        "log": { "level": "info" },
        "storage": {
            "filesystem": { "rootdirectory": folder.path().join("images") },
            "delete": { "enabled": true },
        },
        "http": { "addr": address, "secret": "only for tests" },
    });
    if password {
        let path = folder.path().join("htpasswd");
        config["auth"] = json!({ "htpasswd": { "realm": "tests", "path": path } });
    }
    if let Some(pki) = pki {
        let leaf = pki.server();
        config["http"]["tls"] = json!({ "certificate": leaf.certificate, "key": leaf.key });
    }
    // Every JSON document is a YAML document.
    let path = folder.path().join("config.yml");
    fs::write(&path, config.to_string())?;
    Ok(path.display().to_string())
}

fn trust(folder: &Path, pki: &Pki) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::copy(pki.authority(), folder.join("ca.crt"))?;
    Ok(())
}

fn base64_of(who: &Credentials) -> Result<String> {
    let plain = format!("{}:{}", who.user, who.password);
    feed_text(Command::new("base64").arg("--wrap=0"), &plain)
}
