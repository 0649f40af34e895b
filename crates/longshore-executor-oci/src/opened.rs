//! The folder of one host, open. Everything here waits for the disk.
//!
//! ```text
//! id            this host's identity
//! containers/…  of the runtime: a folder for each container
//! images/…      the image store
//! volumes/…     named volumes
//! holds.lock    shared by those who take a hold and make its container, held alone by who looks for
//!               holds without one
//! ```

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use longshore_image::{ImageStore, Puller, RegistryOptions, UnpackLimits};
use longshore_runtime::{ContainerConfig, Runtime, RuntimeOptions};

use crate::ends::Ends;
use crate::faults;
use crate::handle::ContainerId;
use crate::networks::{PrivateMeans, SeenMeans};
use crate::options::OciOptions;
use crate::seen::{Seen, Stamp};
use crate::tags::Tags;

/// What a container is to be, in its folder.
pub(crate) const RECORD: &str = "container.json";
/// The rights to execute a file.
const EXECUTABLE: u32 = 0o111;

/// The folder, with what is kept in it.
pub(crate) struct Opened {
    root: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) images: ImageStore,
    pub(crate) puller: Puller,
    pub(crate) ends: Ends,
    pub(crate) seen: Seen,
    program: Option<PathBuf>,
    means: Arc<SeenMeans>,
}

impl Opened {
    /// Makes what is missing.
    pub(crate) fn open(
        root: &Path,
        options: &OciOptions,
        means: Arc<SeenMeans>,
    ) -> Result<Self, ExecutorError> {
        let tried = "use its folder";
        let runtime = Runtime::open(RuntimeOptions {
            root: root.to_path_buf(),
            supervisor: options.supervisor.clone(),
            oci_runtime: options.runtime.clone(),
        });
        let runtime = runtime.map_err(|why| faults::of_runtime(tried, why))?;
        let root = fs::canonicalize(root).map_err(|why| faults::of_file(tried, why))?;
        let images = ImageStore::open(&root.join("images"), UnpackLimits::default());
        let images = images.map_err(|why| faults::of_images(tried, why))?;
        let registries = RegistryOptions {
            certificates: options.certificates.clone(),
            ..RegistryOptions::default()
        };
        Ok(Self {
            puller: Puller::new(images.clone(), registries),
            program: options.runtime.clone(),
            root,
            runtime,
            images,
            ends: Ends::default(),
            seen: Seen::default(),
            means,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of named volumes.
    pub(crate) fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// A program that runs the containers in place of the library.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// Whether whoever is to run containers can be executed.
    pub(crate) fn check_program(&self) -> Result<(), ExecutorError> {
        let Some(program) = &self.program else {
            return Ok(());
        };
        let why = match fs::metadata(program) {
            Ok(_) if program.is_relative() => "its whole path is needed".to_owned(),
            Ok(found) if found.is_file() && found.mode() & EXECUTABLE != 0 => return Ok(()),
            Ok(_) => "it is no program".to_owned(),
            Err(why) => why.to_string(),
        };
        let text = format!(
            "containers are to be run by {}, which cannot be executed: {why}; correct \
             LONGSHORE_OCI_RUNTIME, or do without it",
            program.display()
        );
        Err(ExecutorError::new(Fault::Unsupported, text))
    }

    /// Whether there is a private network here.
    pub(crate) fn means(&self) -> PrivateMeans {
        self.means.look()
    }

    /// What a container is to be and what is noted of it; none for one that is gone, and for one that
    /// this executor did not make.
    pub(crate) fn container(
        &self,
        name: &str,
    ) -> Result<Option<(ContainerConfig, Tags)>, ExecutorError> {
        let config = self.runtime.config(name);
        let config =
            config.map_err(|why| faults::of_runtime(&format!("look at container {name}"), why))?;
        Ok(config.and_then(|config| {
            let tags = Tags::of(&config)?;
            Some((config, tags))
        }))
    }

    /// The container with exactly this id: another one may have its name by now.
    pub(crate) fn container_of(
        &self,
        id: &ContainerId,
    ) -> Result<Option<ContainerConfig>, ExecutorError> {
        let found = self.container(&id.name())?;
        let own = found.filter(|(_, tags)| tags.id == *id);
        Ok(own.map(|(config, _)| config))
    }

    /// Whether that container is there. Its record is read once.
    pub(crate) fn has(&self, id: &ContainerId) -> Result<bool, ExecutorError> {
        let record = self.runtime.folder().join(id.name()).join(RECORD);
        let stamp = Stamp::of(&record);
        let stamp =
            stamp.map_err(|why| faults::of_file(&format!("look at container {id}"), why))?;
        let Some(stamp) = stamp else {
            return Ok(false);
        };
        if self.seen.is_of(id, stamp) {
            return Ok(true);
        }
        let is_there = self.container_of(id)?.is_some();
        if is_there {
            self.seen.note(id, stamp);
        }
        Ok(is_there)
    }

    /// All containers that this executor made; one that goes meanwhile is left out.
    pub(crate) fn containers(&self) -> Result<Vec<(ContainerConfig, Tags)>, ExecutorError> {
        let names = self.runtime.names();
        let names = names.map_err(|why| faults::of_runtime("list containers", why))?;
        let found = names.iter().map(|name| self.container(name).transpose());
        found.flatten().collect()
    }

    /// Keeps whoever looks for holds without a container away.
    pub(crate) fn while_holding(&self) -> Result<File, ExecutorError> {
        let file = self.holds_lock()?;
        file.lock_shared()
            .map_err(|why| faults::of_file("lock the holds", why))?;
        Ok(file)
    }

    /// Ends the holds of containers that are gone: whoever removed one may have died before he could.
    pub(crate) fn release_stale_holds(&self) -> Result<(), ExecutorError> {
        let lock = self.holds_lock()?;
        lock.lock()
            .map_err(|why| faults::of_file("lock the holds", why))?;
        let of_images = |why| faults::of_images("look for holds that nobody needs", why);
        for owner in self.images.holders().map_err(of_images)? {
            if self.container(&owner)?.is_none() {
                self.images.release(&owner).map_err(of_images)?;
            }
        }
        Ok(())
    }

    fn holds_lock(&self) -> Result<File, ExecutorError> {
        let path = self.root.join("holds.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        file.map_err(|why| faults::of_file("open the lock of the holds", why))
    }
}
