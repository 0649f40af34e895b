//! Engine and executors behind the command line: its port, filled.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use longshore_cli::{
    Backstage, Cleanup, DefaultHost, Fate, Leftover, OnJobPull, PullWish, Stop, Told, Trouble,
    WorkerOptions,
};
use longshore_core::collection::{Choice, Keep, Need};
use longshore_core::fault::Fault;
use longshore_core::host::{Host, HostFacts, HostKind};
use longshore_core::image::Image;
use longshore_core::launch::Handle;
use longshore_core::spec::{ImageReference, JobSpec, TimeLimits};
use longshore_core::with_causes;
use longshore_engine::{
    Doing, Found, Keeping, Shelved, Worker, collect_images, count_alive, prewarm, sweep,
};
use longshore_executor::{
    ExecutorError, ExecutorPool, ExecutorSource, Images, PullRequest, Removed, SharedExecutor,
};
use longshore_executor_docker::context::{self, Wish};
use longshore_service::{DockerService, ServiceOptions};
use longshore_store::Store;
use tokio::sync::watch;

use crate::executors::{Kinds, StandIn};

/// Folder in the store's folder where the workers of this machine announce themselves.
const PRESENCE: &str = "workers";
/// Name of the host that is this machine without an engine, unless somebody gives it another one.
const EMBEDDED: &str = "embedded";

/// Everything runs in this process.
pub(crate) struct Local {
    kinds: Arc<Kinds>,
    executors: ExecutorPool,
}

impl Local {
    pub(crate) fn new(kinds: Kinds) -> Self {
        let kinds = Arc::new(kinds);
        let source: Arc<dyn ExecutorSource> = Arc::<Kinds>::clone(&kinds);
        Self {
            kinds,
            executors: ExecutorPool::new(source),
        }
    }

    fn executor(&self, host: &Host) -> Result<SharedExecutor, Trouble> {
        self.executors
            .get(host)
            .map_err(|error| trouble(format!("cannot use host {}", host.name), &error))
    }
}

#[async_trait]
impl Backstage for Local {
    fn before_threads(&self) {
        longshore_runtime::become_root();
    }

    async fn work(
        &self,
        store: &Store,
        options: WorkerOptions,
        stop: watch::Receiver<Stop>,
    ) -> Result<(), Trouble> {
        let options = longshore_engine::WorkerOptions {
            only_job: options.only_job,
            most_attempts: options.slots,
            until_idle: options.exit_when_empty,
            on_pull: options.on_pull,
            presence: store.local_folder().map(|folder| folder.join(PRESENCE)),
        };
        let source: Arc<dyn ExecutorSource> = Arc::<Kinds>::clone(&self.kinds);
        let ladder = longshore_engine::Stop::default();
        let worker = Worker::new(store.clone(), source, options).run(ladder.clone());
        let mut worker = std::pin::pin!(worker);
        let mut stop = stop;
        loop {
            tokio::select! {
                ended = &mut worker => {
                    return ended.map_err(|error| trouble("the worker cannot go on".into(), &error));
                }
                rung = next_step(&mut stop) => match rung {
                    Stop::Never => {}
                    Stop::Drain => ladder.drain.cancel(),
                    Stop::Leave => ladder.leave.cancel(),
                },
            }
        }
    }

    fn default_host(&self, context: Option<&str>) -> Result<DefaultHost, Trouble> {
        let wish = context.map_or(Wish::None, |name| Wish::Context(name.to_owned()));
        let found = context::resolve(&self.kinds.docker, &wish)
            .map_err(|error| trouble("cannot tell which Docker Engine is meant".into(), &error))?;
        let named = DefaultHost {
            name: found.name.clone(),
            kind: HostKind::Docker,
            endpoint: found.endpoint.clone(),
            note: None,
        };
        if context.is_some() {
            return Ok(named);
        }
        Ok(match self.kinds.stand_in(&found) {
            StandIn::NotWanted => named,
            StandIn::Does(note) => DefaultHost {
                note: Some(note),
                ..self.embedded_host()
            },
            StandIn::Cannot(note) => DefaultHost {
                note: Some(note),
                ..named
            },
        })
    }

    fn embedded_host(&self) -> DefaultHost {
        DefaultHost {
            name: EMBEDDED.to_owned(),
            kind: HostKind::Oci,
            endpoint: self.kinds.embedded(),
            note: None,
        }
    }

    async fn probe(&self, host: &Host) -> Result<HostFacts, Trouble> {
        let probed = self.executor(host)?.probe().await;
        probed.map_err(|error| trouble(format!("cannot probe host {}", host.name), &error))
    }

    fn workers_here(&self, store: &Store) -> Option<usize> {
        count_alive(&store.local_folder()?.join(PRESENCE)).ok()
    }

    fn unsupported(&self, host: &Host, spec: &JobSpec) -> Vec<String> {
        self.executor(host)
            .map(|executor| executor.unsupported(spec))
            .unwrap_or_default()
    }

    async fn images(&self, host: &Host) -> Result<Vec<Image>, Trouble> {
        let executor = self.executor(host)?;
        let listed = shelf(&executor, host)?.list().await;
        listed.map_err(|error| trouble(format!("cannot list the images of {}", host.name), &error))
    }

    async fn pull(
        &self,
        store: &Store,
        host: &Host,
        wish: PullWish,
        told: Told,
    ) -> Result<Image, Trouble> {
        let executor = self.executor(host)?;
        let limits = TimeLimits::default();
        let request = PullRequest {
            image: wish.image.clone(),
            platform: wish.platform,
            idle: limits.pull_idle.duration(),
            total: limits.pull.duration(),
        };
        let told = longshore_engine::Told {
            progress: told.progress,
            waits: &*told.waits,
        };
        let pulled = prewarm(store, (host, &executor), &request, told).await;
        let what = || format!("cannot pull {} to {}", wish.image, host.name);
        let pulled = pulled.map_err(|error| trouble(what(), &error))?;
        pulled.ok_or_else(|| without_images(host))
    }

    async fn import_images(
        &self,
        host: &Host,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, Trouble> {
        let executor = self.executor(host)?;
        let imported = shelf(&executor, host)?.import(from, name).await;
        let what = || format!("cannot import {} to {}", from.display(), host.name);
        imported.map_err(|error| trouble(what(), &error))
    }

    async fn remove_image(&self, host: &Host, image: &ImageReference) -> Result<bool, Trouble> {
        let executor = self.executor(host)?;
        let removed = shelf(&executor, host)?.remove(image).await;
        let what = || format!("cannot remove {image} from {}", host.name);
        let removed = removed.map_err(|error| trouble(what(), &error))?;
        Ok(removed != Removed::WasAbsent)
    }

    async fn collect_images(
        &self,
        store: &Store,
        host: &Host,
        keep: Keep,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble> {
        let executor = self.executor(host)?;
        let (place, now) = ((host, &executor), Timestamp::now());
        let found = collect_images(store, place, keep, now, doing(cleanup)).await;
        let what = || format!("cannot collect the images of {}", host.name);
        let found = found.map_err(|error| trouble(what(), &error))?;
        Ok(found.iter().map(|it| shelved(it, now)).collect())
    }

    fn docker_service(&self, store: &Store, on_pull: OnJobPull) -> DockerService {
        let source: Arc<dyn ExecutorSource> = Arc::<Kinds>::clone(&self.kinds);
        let options = ServiceOptions {
            on_pull: Some(on_pull),
            ..ServiceOptions::default()
        };
        DockerService::new(store.clone(), source, options)
    }

    fn to_handle(&self, engine_id: &str) -> Handle {
        longshore_executor_docker::handle(engine_id.to_owned())
    }

    async fn cleanup(
        &self,
        store: &Store,
        host: &Host,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble> {
        let executor = self.executor(host)?;
        let found = sweep(store, &executor, Timestamp::now(), doing(cleanup)).await;
        let found =
            found.map_err(|error| trouble(format!("cannot sweep {}", host.name), &error))?;
        Ok(found.iter().map(leftover).collect())
    }
}

/// The next step of the ladder; a sender that is gone means to leave.
async fn next_step(stop: &mut watch::Receiver<Stop>) -> Stop {
    match stop.changed().await {
        Ok(()) => *stop.borrow_and_update(),
        Err(_) => Stop::Leave,
    }
}

fn shelf<'a>(executor: &'a SharedExecutor, host: &Host) -> Result<&'a dyn Images, Trouble> {
    executor.images().ok_or_else(|| without_images(host))
}

fn without_images(host: &Host) -> Trouble {
    Trouble {
        what: format!("cannot look at the images of {}", host.name),
        said: "hosts of its kind have none".into(),
        hint: None,
    }
}

fn doing(cleanup: Cleanup) -> Doing {
    match cleanup {
        Cleanup::Plan => Doing::Plan,
        Cleanup::Apply => Doing::Apply,
    }
}

fn shelved(found: &Shelved, now: Timestamp) -> Leftover {
    let (fate, said) = match (&found.removal, found.choice) {
        (Some(Ok(_)), _) => (Fate::Removed, None),
        // Somebody began to use it between the look and the removal.
        (Some(Err(error)), _) if error.fault() == Fault::Conflict => {
            (Fate::Kept, Some(error.to_string()))
        }
        (Some(Err(error)), _) => (Fate::Failed, Some(error.to_string())),
        (None, Choice::Collect) => (Fate::Planned, None),
        (None, Choice::Needed(_) | Choice::Young | Choice::Fits) => (Fate::Kept, None),
    };
    let image = &found.image;
    let days = now.duration_since(image.used_at).as_hours() / 24;
    let why = match found.choice {
        Choice::Collect => format!("last used {days} days ago"),
        Choice::Needed(Need::Container) => "a container uses it".to_owned(),
        Choice::Needed(Need::Job) => "a job that is not over needs it".to_owned(),
        Choice::Needed(Need::OtherName) => {
            "it has a name that longshore did not give it".to_owned()
        }
        Choice::Young => format!("last used {days} days ago, which is not long"),
        Choice::Fits => "there is room for it".to_owned(),
    };
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let megabytes = image.size_bytes as f64 / 1e6;
    Leftover {
        what: format!("image {} ({megabytes:.1} MB)", image.image),
        fate,
        why: said.map_or_else(|| why.clone(), |said| format!("{why}; {said}")),
    }
}

fn leftover(found: &Found) -> Leftover {
    let (fate, said) = match (&found.removal, found.keeping.may_go()) {
        (Some(Ok(_)), _) => (Fate::Removed, None),
        (Some(Err(error)), _) => (Fate::Failed, Some(error.to_string())),
        (None, true) => (Fate::Planned, None),
        (None, false) => (Fate::Kept, None),
    };
    let why = match found.keeping {
        Keeping::InUse => "its attempt is under way",
        Keeping::OfService => "the caller that drives its job removes it",
        Keeping::TooYoung => "no attempt explains it, but it is too young to judge",
        Keeping::Ended => "its attempt has ended",
        Keeping::Unknown => "no attempt explains it, and it is old",
    };
    Leftover {
        what: format!("container {}", found.container.name),
        fate,
        why: said.map_or_else(|| why.to_owned(), |said| format!("{why}; {said}")),
    }
}

fn trouble(what: String, error: &(dyn Error + 'static)) -> Trouble {
    let fault = error
        .downcast_ref::<ExecutorError>()
        .map(ExecutorError::fault);
    Trouble {
        what,
        said: with_causes(error),
        hint: fault.and_then(hint),
    }
}

/// What to do about it, where we know.
fn hint(fault: Fault) -> Option<String> {
    let text = match fault {
        Fault::Unreachable => {
            "is the engine running? see DOCKER_HOST and `docker context ls`, or name a host with \
             `longshore hosts add`"
        }
        Fault::TimedOut => "the engine is there but does not answer: see its own log",
        Fault::ImageNotFound => "check the name and the tag of the image",
        Fault::ImageDenied => "log in with `docker login`, or check the name of the image",
        Fault::ImagePull(_)
        | Fault::StartRefused(_)
        | Fault::Conflict
        | Fault::Unsupported
        | Fault::Configuration
        | Fault::Resources
        | Fault::Internal => return None,
    };
    Some(text.to_owned())
}
