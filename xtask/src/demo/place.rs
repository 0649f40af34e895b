//! Where the demo's jobs run: on a Docker Engine, and without one.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use longshore_testkit::{
    EngineAccess, demo_debian_image, demo_image_archive, load_demo_debian, load_demo_image,
    longshore_bin, run, temp_dir,
};
use tempfile::TempDir;

use super::{Expectation, Wish};
use crate::steps::say;
use crate::{engine, packages};

/// Of Docker's client's settings, none.
const NO_SETTINGS: &str = "/nonexistent";
/// What longshore says when it finds no engine.
const SAYS_SO: &str = "embedded executor";

/// A place where jobs can run.
pub(super) enum Place {
    /// A Docker Engine.
    Docker(EngineAccess),
    /// Nothing but this machine.
    Embedded {
        /// All that jobs leave; goes with this value.
        folder: TempDir,
        /// An engine answers here, so this place has to be named.
        beside_engine: bool,
    },
}

/// The images that the jobs have.
pub(super) struct DemoImages {
    /// There is a Debian with a C compiler.
    pub(super) debian: bool,
}

impl Place {
    /// All places that this machine has, and those that were wished for.
    pub(super) fn all(wish: &Wish) -> Result<Vec<Self>> {
        let mut places = Vec::new();
        let engine = users_own_engine();
        let users_own = engine.is_some();
        match engine {
            Some(engine) => {
                say(&format!(
                    "a Docker Engine answers: {}",
                    engine.docker_host()
                ));
                places.push(Self::Docker(engine));
            }
            None if wish.docker || wish.postgres => {
                say("no Docker Engine answers on a local socket: starting a private one");
                packages::ensure(packages::FOR_DEMO_IMAGES)?;
                places.push(Self::Docker(engine::up()?));
            }
            None => {
                say("no Docker Engine answers on a local socket (--docker starts a private one)");
            }
        }
        if !wish.postgres {
            places.extend(embedded(users_own));
        }
        if places.is_empty() {
            bail!(
                "nothing here runs containers: start a Docker Engine, or run this as root, so that \
                 the embedded executor can be shown"
            );
        }
        Ok(places)
    }

    /// For people.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Docker(engine) => format!("on the Docker Engine at {}", engine.docker_host()),
            Self::Embedded { .. } => {
                "on the embedded executor: no engine, nothing installed".to_owned()
            }
        }
    }

    pub(super) fn is_on(&self, other: &EngineAccess) -> bool {
        match self {
            Self::Docker(engine) => engine.docker_host() == other.docker_host(),
            Self::Embedded { .. } => false,
        }
    }

    /// Makes the images. Where Debian's `debootstrap` is missing, an embedded demo does without its
    /// image: nothing is installed for it.
    pub(super) fn images(&self) -> Result<DemoImages> {
        match self {
            Self::Docker(engine) => {
                packages::ensure(packages::FOR_DEMO_IMAGES)?;
                say(
                    "demo-debian is made on the spot by debootstrap; the first time takes a minute or two",
                );
                load_demo_image(engine)?;
                load_demo_debian(engine)?;
                Ok(DemoImages { debian: true })
            }
            Self::Embedded { .. } => {
                demo_image_archive()?;
                let debian = packages::are_there(packages::FOR_DEMO_DEBIAN);
                if debian {
                    demo_debian_image()?;
                } else {
                    say(
                        "debootstrap is not installed: the job that builds a C program is left out",
                    );
                }
                Ok(DemoImages { debian })
            }
        }
    }

    /// What comes before the jobs.
    pub(super) fn preparation(&self, images: &DemoImages) -> Result<Vec<Expectation>> {
        let Self::Embedded {
            folder,
            beside_engine,
        } = self
        else {
            return Ok(Vec::new());
        };
        let mut preparation = Vec::new();
        if *beside_engine {
            let address = format!("oci://{}", folder.path().display());
            let title = "a host that is this machine itself, not its engine";
            preparation.push(Expectation::new(title, "hosts add here").word(&address));
        }
        let mut archives = vec![demo_image_archive()?];
        if images.debian {
            archives.push(demo_debian_image()?);
        }
        preparation.extend(archives.iter().map(|archive| {
            let import = Expectation::new("an image from a file", "images import");
            import.word(&archive.display().to_string())
        }));
        if let (false, Some(first)) = (beside_engine, preparation.first_mut()) {
            first.stderr.push(SAYS_SO.to_owned());
        }
        Ok(preparation)
    }

    /// The binary, with nothing of the user's own settings.
    pub(super) fn longshore(&self, store: &Path) -> Command {
        let mut command = Command::new(longshore_bin());
        command
            .env("LONGSHORE_STORE", store)
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY");
        match self {
            Self::Docker(engine) => command.env("DOCKER_HOST", engine.docker_host()),
            Self::Embedded { folder, .. } => command
                .env_remove("DOCKER_HOST")
                .env("DOCKER_CONFIG", NO_SETTINGS)
                .env("LONGSHORE_OCI", folder.path()),
        };
        command
    }

    /// Removes what the jobs left on purpose.
    pub(super) fn tidy_up(&self, volume: &str) -> Result<()> {
        match self {
            Self::Docker(engine) => engine.docker(["volume", "rm", "--force", volume]).map(drop),
            Self::Embedded { .. } => Ok(()),
        }
    }
}

/// The engine that `docker` would use, if it answers on a unix socket of this machine.
fn users_own_engine() -> Option<EngineAccess> {
    let mut inspect = Command::new("docker");
    inspect.args([
        "context",
        "inspect",
        "--format",
        "{{.Endpoints.docker.Host}}",
    ]);
    let host = run(&mut inspect).unwrap_or_default();
    let users_own = EngineAccess::foreign(host.trim());
    (host.starts_with("unix://") && users_own.answers()).then_some(users_own)
}

/// This machine, where it can.
fn embedded(beside_engine: bool) -> Option<Place> {
    if rustix::process::geteuid().is_root() {
        return Some(Place::Embedded {
            folder: temp_dir(),
            beside_engine,
        });
    }
    say("the embedded executor needs root, and is left out");
    None
}
