//! All that can be done with containers, by whoever wants them.

mod removal;

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_core::limits;

use crate::cleaning;
use crate::control::{self, Reply, Request};
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, json, read_json};
use crate::launch::{self, Order, Template, Word};
use crate::record::{self, Container, SCHEMA};
use crate::sealed::Sealed;
use crate::skeleton;
use crate::user::{self, Standing};
use crate::{
    ContainerConfig, Counters, Delivered, LogFile, Made, RuntimeOptions, Status, SupervisorProgram,
};

/// All containers below one folder. Any number of processes may have one of it at a time. Every
/// method may block: up to seconds where that is said, for moments else.
#[derive(Debug)]
pub struct Runtime {
    options: RuntimeOptions,
    containers: PathBuf,
    gone: PathBuf,
    program: OnceLock<Sealed>,
    template: Mutex<Option<Arc<Template>>>,
}

impl Runtime {
    /// Makes the folders, and removes what is left of removals that were broken off.
    ///
    /// # Errors
    /// This process is not root's, or the folders cannot be used.
    pub fn open(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        match user::standing() {
            Standing::Root | Standing::Many | Standing::Single => {}
            Standing::Ordinary => return Err(RuntimeError::NotRoot),
        }
        let root = fs::canonicalize(&options.root).or_else(|_| {
            private_folder(&options.root)?;
            fs::canonicalize(&options.root)
        });
        let root = root.tried("make", &options.root)?;
        let containers = root.join("containers");
        let gone = root.join("gone");
        for folder in [&containers, &gone, &root.join(MOUNTS)] {
            private_folder(folder).tried("make", folder)?;
        }
        skeleton::spread(&containers).tried("open", &containers)?;
        let layer = root.join(SKELETON);
        skeleton::make(&layer).tried("make", &layer)?;
        let runtime = Self {
            options,
            containers,
            gone,
            program: OnceLock::new(),
            template: Mutex::default(),
        };
        runtime.sweep()?;
        Ok(runtime)
    }

    /// The folder with one folder for each container. In a container's folder, a file `exit.json`
    /// gets its name when the container has ended.
    pub fn folder(&self) -> &Path {
        &self.containers
    }

    /// Makes a container; nothing runs yet. It is there whole or not at all.
    ///
    /// # Errors
    /// Its name cannot be one, or its folder cannot be written.
    pub fn create(&self, config: &ContainerConfig) -> Result<Made, RuntimeError> {
        let folder = self.container(&config.name)?;
        private_folder(folder.path()).tried("make", folder.path())?;
        let container = Container {
            schema: SCHEMA,
            created_at: Timestamp::now(),
            config: config.clone(),
        };
        let path = folder.container();
        let aside = tempfile::NamedTempFile::new_in(folder.path());
        let mut aside = aside.tried("write in", folder.path())?;
        aside.write_all(&json(&container)).tried("write", &path)?;
        match aside.persist_noclobber(&path) {
            Ok(_) => Ok(Made::New),
            Err(why) if why.error.kind() != io::ErrorKind::AlreadyExists => {
                Err(why.error).tried("name", &path)
            }
            Err(why) if is_empty(&path)? && !record::has_begun(&folder)? => {
                why.file
                    .persist(&path)
                    .map_err(|why| why.error)
                    .tried("name", &path)?;
                Ok(Made::New)
            }
            Err(_) => Ok(Made::Existed),
        }
    }

    /// What a container is to be, if it is there.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn config(&self, name: &str) -> Result<Option<ContainerConfig>, RuntimeError> {
        Ok(self.read(name)?.map(|container| container.config))
    }

    /// When a container was made, if it is there.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn created_at(&self, name: &str) -> Result<Option<Timestamp>, RuntimeError> {
        Ok(self.read(name)?.map(|container| container.created_at))
    }

    /// How a container stands, if it is there. What a supervisor that died has left behind is
    /// cleaned away first.
    ///
    /// # Errors
    /// Its folder cannot be read, or something cannot be cleaned away.
    pub fn status(&self, name: &str) -> Result<Option<Status>, RuntimeError> {
        let folder = self.container(name)?;
        let status = record::standing(&folder)?;
        if matches!(status, Some(Status::Ended(_) | Status::Lost { .. })) {
            cleaning::finish(&folder, name)?;
        }
        Ok(status)
    }

    /// The names of all containers, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, RuntimeError> {
        let mut names = Vec::new();
        for name in entries(&self.containers)? {
            let folder = Folder::at(self.containers.join(&name));
            if Folder::has(&folder.container())? {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Starts a container; returns when its program executes. One that runs, or has run, is left as
    /// it is; one that is being started is waited for. One that could not be started is tried again.
    ///
    /// # Errors
    /// There is no such container; it is refused, and nothing of it ran; the supervisor fails.
    pub fn start(&self, name: &str) -> Result<(), RuntimeError> {
        let folder = self.container(name)?;
        let deadline = Instant::now() + limits::LAUNCH_CALL;
        while let Some(left) = left_until(deadline) {
            let Some(status) = record::standing(&folder)? else {
                return Err(RuntimeError::Absent(name.to_owned()));
            };
            let word = match status {
                Status::Running { .. } | Status::Ended(_) | Status::Lost { .. } => return Ok(()),
                Status::Created { .. } => self.launch(name, &folder, left)?,
                Status::Starting => {
                    control::ask(&folder, Request::Await, left).tried("ask", folder.path())?;
                    Word::Busy
                }
            };
            match word {
                Word::Started | Word::Over => return Ok(()),
                Word::Refused(refused) => return Err(RuntimeError::Refused(refused)),
                Word::Busy => std::thread::sleep(control::PAUSE),
            }
        }
        Err(too_late(name, "its start has not ended"))
    }

    /// Does what the first start would have to wait for.
    ///
    /// # Errors
    /// The program of supervisors cannot be read.
    pub fn prepare(&self) -> Result<(), RuntimeError> {
        self.program().map(drop)
    }

    /// Sends a signal to what runs in a container.
    ///
    /// # Errors
    /// Its supervisor does not answer.
    pub fn signal(&self, name: &str, signal: i32) -> Result<Delivered, RuntimeError> {
        self.ask(name, Request::Signal(signal))
    }

    /// Asks a container to stop, and returns at once: its supervisor kills it when `grace` is over.
    ///
    /// # Errors
    /// Its supervisor does not answer.
    pub fn stop(
        &self,
        name: &str,
        signal: i32,
        grace: Duration,
    ) -> Result<Delivered, RuntimeError> {
        let grace_millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let request = Request::Stop {
            signal,
            grace_millis,
        };
        self.ask(name, request)
    }

    /// What the kernel counts for a container that runs; none for any other.
    ///
    /// # Errors
    /// Its folder cannot be read, or the machine has no control groups.
    pub fn usage(&self, name: &str) -> Result<Option<Counters>, RuntimeError> {
        if !self.container(name)?.is_supervised()? {
            return Ok(None);
        }
        Ok(Some(cleaning::cgroup(name)?.usage()))
    }

    /// A container's output, from its first frame; none if it has not been started.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub fn log(&self, name: &str) -> Result<Option<LogFile>, RuntimeError> {
        let path = self.container(name)?.log();
        LogFile::open(&path).tried("open", &path)
    }

    fn launch(&self, name: &str, folder: &Folder, left: Duration) -> Result<Word, RuntimeError> {
        let order = Order {
            oci_runtime: self.options.oci_runtime.clone(),
        };
        let template = self.template()?;
        let supervisor = match template.spawn(folder, &order) {
            // Somebody killed it. The next try begins with another.
            Err(_) if !template.is_alive() => return Ok(Word::Busy),
            spawned => spawned?,
        };
        match launch::word(supervisor, left) {
            Ok(Some(word)) => Ok(word),
            Ok(None) if record::has_begun(folder)? => Ok(Word::Over),
            Ok(None) if !template.is_alive() => Ok(Word::Busy),
            Ok(None) => Err(RuntimeError::Supervisor {
                name: name.to_owned(),
                said: complaint(folder),
            }),
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                Err(too_late(name, "its start has not ended"))
            }
            Err(why) => Err(RuntimeError::Supervisor {
                name: name.to_owned(),
                said: format!("gave no answer: {why}"),
            }),
        }
    }

    fn ask(&self, name: &str, request: Request) -> Result<Delivered, RuntimeError> {
        let folder = self.container(name)?;
        if !Folder::has(&folder.container())? {
            return Ok(Delivered::WasAbsent);
        }
        let reply = control::ask(&folder, request, limits::CONTROL_CALL);
        Ok(match reply.tried("ask the supervisor in", folder.path())? {
            Some(Reply::Done) => Delivered::Yes,
            Some(Reply::Over) | None => Delivered::NotRunning,
        })
    }

    fn program(&self) -> Result<&Sealed, RuntimeError> {
        if let Some(program) = self.program.get() {
            return Ok(program);
        }
        let sealed = match &self.options.supervisor {
            SupervisorProgram::ThisBinary => Sealed::copy_of(Path::new("/proc/self/exe"))?,
            SupervisorProgram::Path(path) => Sealed::copy_of(path)?,
        };
        Ok(self.program.get_or_init(|| sealed))
    }

    fn read(&self, name: &str) -> Result<Option<Container>, RuntimeError> {
        read_json(&self.container(name)?.container())
    }

    fn container(&self, name: &str) -> Result<Folder, RuntimeError> {
        let is_plain = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if name.is_empty() || name.len() > 100 || !is_plain(name) {
            return Err(RuntimeError::Name(name.to_owned()));
        }
        Ok(Folder::at(self.containers.join(name)))
    }

    /// What supervisors are forks of. One that somebody killed is begun anew.
    fn template(&self) -> Result<Arc<Template>, RuntimeError> {
        let mut kept = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = kept.as_ref().filter(|template| template.is_alive()) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(Template::start(&self.program()?.path())?);
        Ok(Arc::clone(kept.insert(template)))
    }
}

/// Where every supervisor mounts what is its own: no two of them see each other's.
pub(crate) const MOUNTS: &str = "mounts";
/// The lowest layer of all containers.
pub(crate) const SKELETON: &str = "skeleton";

/// The power went while it was written, long ago: a record gets its name when it is whole.
fn is_empty(path: &Path) -> Result<bool, RuntimeError> {
    Ok(fs::metadata(path).tried("look at", path)?.len() == 0)
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn entries(folder: &Path) -> Result<Vec<String>, RuntimeError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).tried("list", folder)? {
        let name = entry.tried("list", folder)?.file_name();
        names.extend(name.to_str().map(str::to_owned));
    }
    Ok(names)
}

fn left_until(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

fn too_late(name: &str, what: &'static str) -> RuntimeError {
    RuntimeError::TimedOut {
        name: name.to_owned(),
        what,
    }
}

fn complaint(folder: &Folder) -> String {
    let text = fs::read_to_string(folder.complaint()).unwrap_or_default();
    match text.trim() {
        "" => "went without a word".to_owned(),
        text => format!("failed: {text}"),
    }
}
