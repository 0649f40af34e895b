//! A pool of its own whose processes are killed and whose engine misbehaves.
//!
//! Every drill has its own store; its processes end and its containers and volumes are removed
//! when it is dropped, whatever the test did.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use longshore_testkit::{
    Bucket, DEMO_IMAGE, EngineAccess, FaultProxy, demo_image_archive, eventually, load_demo_image,
    longshore_bin, temp_dir, unique_name,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::embedded::Embedded;
pub use crate::process::{Done, Process};

/// Name of the only host of an embedded pool.
pub const EMBEDDED_HOST: &str = "here";

/// Where a pool's jobs run.
#[derive(Debug)]
enum Place {
    Engine(EngineAccess),
    Embedded(Embedded),
}

/// An ordinary user: to no machine's taste special, and without numbers of others.
const USER: u32 = 4242;

/// What anything in a drill may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One pool on one engine, or on this machine without one.
#[derive(Debug)]
pub struct Drill {
    place: Place,
    folder: TempDir,
    store: PathBuf,
    /// Where logs are, if not in the store's folder.
    logs: Option<PathBuf>,
    config: Option<PathBuf>,
    /// More of the environment.
    variables: Vec<(&'static str, String)>,
    volume: String,
    /// Who calls longshore, if not root.
    user: Option<u32>,
}

impl Drill {
    /// A pool on `engine`, which gets the demo image if it lacks it.
    ///
    /// # Panics
    /// When the engine does not take the image.
    pub fn on(engine: &EngineAccess) -> Self {
        load_demo_image(engine).expect("the engine takes the demo image");
        let folder = temp_dir();
        let drill = Self {
            place: Place::Engine(engine.clone()),
            store: folder.path().join("store"),
            folder,
            logs: None,
            config: None,
            variables: Vec::new(),
            volume: unique_name("longshore-drill"),
            user: None,
        };
        drill.lead_to(engine.socket());
        drill
    }

    /// A pool whose only host, `here`, is this machine without an engine, with the demo image.
    ///
    /// # Panics
    /// When this machine cannot run containers by itself: not as root, for instance.
    pub fn embedded() -> Self {
        Self::embedded_in(None, None)
    }

    /// As [`Drill::embedded`], in the network of an engine, where registries of tests are.
    ///
    /// # Panics
    /// As [`Drill::embedded`].
    pub fn embedded_beside(engine: &EngineAccess) -> Self {
        Self::embedded_in(Some(engine.clone()), None)
    }

    /// As [`Drill::embedded`], of a user who is not root.
    ///
    /// # Panics
    /// When the machine does not let users have user namespaces.
    pub fn of_user() -> Self {
        Self::embedded_in(None, Some(USER))
    }

    fn embedded_in(network: Option<EngineAccess>, user: Option<u32>) -> Self {
        let folder = temp_dir();
        chown(folder.path(), user, user).expect("a folder of our own");
        let root = folder.path().join("oci");
        let address = format!("oci://{}", root.display());
        let drill = Self {
            place: Place::Embedded(Embedded::at(root, network)),
            store: folder.path().join("store"),
            folder,
            logs: None,
            config: None,
            variables: Vec::new(),
            volume: unique_name("longshore-drill"),
            user,
        };
        drill.ok(&["hosts", "add", EMBEDDED_HOST, &address]);
        let archive = demo_image_archive().expect("the demo image can be made");
        // Not everybody may read the one that all tests share.
        let own = drill.folder().join("image.tar");
        fs::copy(archive, &own).expect("a file in a folder of our own");
        chown(&own, user, user).expect("a file of our own");
        let own = own.display().to_string();
        drill.ok(&["images", "import", &own, "--hosts", EMBEDDED_HOST]);
        drill
    }

    /// A pool that reaches its engine through a proxy without rules.
    ///
    /// # Panics
    /// As [`Drill::on`].
    pub fn through_proxy(engine: &EngineAccess) -> (Self, FaultProxy) {
        let drill = Self::on(engine);
        let proxy = FaultProxy::start(engine).expect("a proxy starts");
        drill.lead_to(&proxy.socket());
        (drill, proxy)
    }

    /// Keeps the store in this folder instead.
    #[must_use]
    pub fn with_store(mut self, store: &Path) -> Self {
        store.clone_into(&mut self.store);
        self
    }

    /// Keeps the logs in this folder instead.
    #[must_use]
    pub fn with_logs(mut self, logs: &Path) -> Self {
        self.logs = Some(logs.to_owned());
        self
    }

    /// Keeps jobs in the database of this URL, and logs in a folder of the drill.
    #[must_use]
    pub fn with_database(mut self, url: &str) -> Self {
        self.store = url.into();
        self.logs = Some(self.folder.path().join("logs"));
        self
    }

    /// Keeps the logs in this bucket instead.
    #[must_use]
    pub fn with_bucket(mut self, bucket: &Bucket) -> Self {
        self.logs = Some(bucket.url().into());
        self.variables.extend(bucket.environment());
        self
    }

    /// Has this in the environment of its commands, too.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Uses this folder as `DOCKER_CONFIG`.
    #[must_use]
    pub fn with_config(mut self, config: &Path) -> Self {
        self.config = Some(config.to_owned());
        self
    }

    /// The engine itself, without a proxy.
    ///
    /// # Panics
    /// When there is none.
    pub fn engine(&self) -> &EngineAccess {
        match &self.place {
            Place::Engine(engine) => engine,
            Place::Embedded(_) => panic!("this story needs an engine"),
        }
    }

    /// The folder of the store.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// A folder that goes with the drill.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The socket that the pool is told of: a link, which may lead elsewhere, or nowhere.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// Lets the pool's socket lead to this one from now on.
    ///
    /// # Panics
    /// When the link cannot be made.
    pub fn lead_to(&self, socket: &Path) {
        let new = self.folder.path().join("engine.new");
        symlink(socket, &new).expect("a link in a folder of our own");
        fs::rename(new, self.socket()).expect("a link in a folder of our own");
    }

    /// A named volume of this drill, as a `-v` flag that mounts it at `/v`.
    pub fn volume_flag(&self) -> String {
        format!("{}:/v", self.volume)
    }

    /// What is in a file of the volume; empty when there is none.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn in_volume(&self, file: &str) -> String {
        match &self.place {
            Place::Engine(_) => self.on_volume(&format!("cat /v/{file} 2>/dev/null || true")),
            Place::Embedded(place) => place.in_volume(&self.volume, file),
        }
    }

    /// Whether the volume has a file.
    ///
    /// # Panics
    /// As [`Drill::in_volume`].
    pub fn has_in_volume(&self, file: &str) -> bool {
        match &self.place {
            Place::Engine(_) => {
                let listed = self.on_volume(&format!("ls /v/{file} 2>/dev/null || true"));
                !listed.is_empty()
            }
            Place::Embedded(place) => place.volume_file(&self.volume, file).exists(),
        }
    }

    /// Makes an empty file in the volume.
    ///
    /// # Panics
    /// As [`Drill::in_volume`].
    pub fn touch_in_volume(&self, file: &str) {
        match &self.place {
            Place::Engine(_) => drop(self.on_volume(&format!("touch /v/{file}"))),
            Place::Embedded(place) => {
                let file = place.volume_file(&self.volume, file);
                fs::write(file, "").expect("a file can be made in a volume");
            }
        }
    }

    /// What a script prints that has the volume at `/v`.
    fn on_volume(&self, script: &str) -> String {
        let volume = self.volume_flag();
        let args = ["run", "--rm", "-v", &volume, DEMO_IMAGE, "sh", "-c", script];
        self.engine().docker(args).expect("a volume can be used")
    }

    /// The binary with the pool's surroundings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.place {
            Place::Engine(_) => Command::new(longshore_bin()),
            Place::Embedded(place) => place.binary(),
        };
        command
            .args(args)
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY")
            .env_remove("DOCKER_CERT_PATH")
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("LONGSHORE_STORE", &self.store)
            .env("HOME", self.folder.path())
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        match &self.logs {
            Some(logs) => command.env("LONGSHORE_LOGS", logs),
            None => command.env_remove("LONGSHORE_LOGS"),
        };
        match &self.config {
            Some(config) => command.env("DOCKER_CONFIG", config),
            None => command.env_remove("DOCKER_CONFIG"),
        };
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be run, or does not end within a minute and a half.
    pub fn call(&self, args: &[&str]) -> Done {
        self.spawn(args).done()
    }

    /// Runs a command that must succeed and returns its stdout without the last newline.
    ///
    /// # Panics
    /// When it fails, with what it said.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.call(args);
        assert_eq!(done.code, 0, "longshore {args:?}: {done:#?}");
        done.stdout.trim_end_matches('\n').to_owned()
    }

    /// Starts a command and leaves it running.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn spawn(&self, args: &[&str]) -> Process {
        Process::start(&mut self.command(args))
    }

    /// Starts a worker.
    pub fn worker(&self) -> Process {
        self.spawn(&["worker"])
    }

    /// Stores a job that runs `script`, with more flags before the image; returns its id.
    #[track_caller]
    pub fn submit(&self, flags: &[&str], script: &str) -> String {
        self.ok(&shell_job("submit", flags, script))
    }

    /// `run` with a script, in the background.
    pub fn start_run(&self, flags: &[&str], script: &str) -> Process {
        self.spawn(&shell_job("run", flags, script))
    }

    /// `run` with a script, to its end.
    pub fn run(&self, flags: &[&str], script: &str) -> Done {
        self.call(&shell_job("run", flags, script))
    }

    /// All that is known of a job.
    ///
    /// # Panics
    /// When there is no such job.
    #[track_caller]
    pub fn job(&self, id: &str) -> Value {
        let text = self.ok(&["inspect", id]);
        let jobs: Value = serde_json::from_str(&text).expect("inspect prints JSON");
        jobs[0].clone()
    }

    /// Waits until the job is as wanted.
    #[track_caller]
    pub fn until(&self, what: &str, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_within(PATIENCE, what, id, is_so)
    }

    /// As [`Drill::until`], with a deadline.
    #[track_caller]
    pub fn until_within(
        &self,
        deadline: Duration,
        what: &str,
        id: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually(what, deadline, || {
            let job = self.job(id);
            if is_so(&job) {
                Ok(job)
            } else {
                Err(brief(&job))
            }
        })
    }

    /// Waits until the job is final and its containers are gone from the record.
    #[track_caller]
    pub fn until_gone(&self, id: &str) -> Value {
        self.until("the job is final and its containers removed", id, |job| {
            let attempts = job["attempts"].as_array().cloned().unwrap_or_default();
            is_final(job)
                && attempts
                    .iter()
                    .all(|attempt| !attempt["removed_at"].is_null())
        })
    }

    /// Waits until the job's only attempt runs; returns its container's id.
    #[track_caller]
    pub fn until_running(&self, id: &str) -> String {
        let job = self.until("the job runs", id, |job| {
            job["status"] == "running" && job["attempts"][0]["container"].is_string()
        });
        container_of(&job)
    }

    /// The job's stdout as it is kept.
    pub fn log(&self, id: &str) -> String {
        self.call(&["logs", "--stdout", id]).stdout
    }

    /// Waits until the kept stdout holds this text.
    #[track_caller]
    pub fn until_logged(&self, id: &str, text: &str) {
        eventually("the log has come so far", PATIENCE, || {
            let log = self.log(id);
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }

    /// The kinds of the job's events, in order.
    pub fn events(&self, id: &str) -> Vec<String> {
        let text = self.ok(&["--json", "events", id]);
        let kinds = text.lines().map(|line| {
            let event: Value = serde_json::from_str(line).expect("one event a line");
            event["kind"].as_str().unwrap_or_default().to_owned()
        });
        kinds.collect()
    }

    /// The containers of a job that are there now.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn containers(&self, id: &str) -> Vec<String> {
        let engine = match &self.place {
            Place::Engine(engine) => engine,
            Place::Embedded(place) => return place.containers(Some(id)),
        };
        let filter = format!("label=io.longshore.job={id}");
        let args = ["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter];
        let listed = engine.docker(args).expect("the engine lists containers");
        listed.lines().map(str::to_owned).collect()
    }

    /// One field of a container, by a Go template; `None` when there is no such container.
    pub fn container(&self, id: &str, field: &str) -> Option<String> {
        self.engine()
            .docker(["inspect", "--format", field, id])
            .ok()
    }

    /// Waits until a container is in this state.
    #[track_caller]
    pub fn until_container(&self, id: &str, status: &str) {
        eventually("the container has come so far", PATIENCE, || {
            let found = match &self.place {
                Place::Engine(_) => self.container(id, "{{.State.Status}}"),
                Place::Embedded(place) => place.status(id),
            };
            if found.as_deref() == Some(status) {
                Ok(())
            } else {
                Err(found)
            }
        });
    }

    /// Kills a running container behind longshore's back.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_container(&self, id: &str) {
        match &self.place {
            Place::Engine(engine) => {
                engine.docker(["kill", id]).expect("the container runs");
            }
            Place::Embedded(place) => place.kill(id),
        }
    }

    /// Kills the supervisor of a container; there is one without an engine alone.
    ///
    /// # Panics
    /// When it has none.
    pub fn kill_supervisor(&self, id: &str) {
        match &self.place {
            Place::Engine(_) => panic!("an engine is everybody's supervisor"),
            Place::Embedded(place) => place.kill_supervisor(id),
        }
    }

    /// Waits until a rule has befallen a request.
    #[track_caller]
    pub fn until_hit(&self, proxy: &FaultProxy, rule: longshore_testkit::RuleId) {
        eventually("the proxy was asked", PATIENCE, || proxy.hits(rule) > 0);
    }

    /// The containers of all jobs of this pool that are there now.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn leftovers(&self) -> Vec<String> {
        let engine = match &self.place {
            Place::Engine(engine) => engine,
            Place::Embedded(place) => return place.containers(None),
        };
        let jobs = self.call(&["jobs", "--no-trunc", "-q"]).stdout;
        let format = "{{.ID}} {{.Label \"io.longshore.job\"}}";
        let filter = "label=io.longshore.job";
        let args = [
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            filter,
            "--format",
            format,
        ];
        let listed = engine.docker(args).expect("the engine lists containers");
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        pairs
            .filter(|(_, job)| jobs.lines().any(|own| own == *job))
            .map(|(container, _)| container.to_owned())
            .collect()
    }

    fn clean(&self, engine: &EngineAccess) {
        for container in self.leftovers() {
            let _ = engine.docker(["rm", "--force", "--volumes", &container]);
        }
        let _ = engine.docker(["volume", "rm", "--force", &self.volume]);
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        let has_store = self.logs.is_some() || self.store.join("longshore.db").is_file();
        match &self.place {
            Place::Engine(engine) if engine.answers() && has_store => self.clean(engine),
            Place::Engine(_) => {}
            Place::Embedded(place) => place.clean(),
        }
    }
}

/// The arguments of a job that runs a script in the demo image.
fn shell_job<'a>(command: &'a str, flags: &[&'a str], script: &'a str) -> Vec<&'a str> {
    let mut args = vec![command];
    args.extend(flags);
    args.extend([DEMO_IMAGE, "sh", "-c", script]);
    args
}

/// Whether a job has its last status.
pub fn is_final(job: &Value) -> bool {
    let word = job["status"].as_str().unwrap_or_default();
    ["completed", "failed", "timeout", "cancelled"].contains(&word)
}

/// The container of the job's first attempt.
///
/// # Panics
/// When it has none.
#[track_caller]
pub fn container_of(job: &Value) -> String {
    let container = job["attempts"][0]["container"].as_str();
    container.expect("the attempt has a container").to_owned()
}

fn brief(job: &Value) -> String {
    let attempt = &job["attempts"][0];
    format!(
        "{} {} {} phase {} unknown {} message {}",
        job["status"],
        job["reason"],
        job["attempt"],
        attempt["phase"],
        attempt["unknown_since"],
        job["message"]
    )
}
