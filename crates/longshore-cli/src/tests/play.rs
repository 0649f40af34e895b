//! A backstage that plays jobs.
//!
//! A played job does what the words of its command say: `out=TEXT` and `err=TEXT` write a line,
//! `exit=N` ends with a code, `refuse` fails before anything runs, `hang` runs until cancelled,
//! `stubborn` for ever.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use longshore_core::collection::Keep;
use longshore_core::fault::Fault;
use longshore_core::host::{Endpoint, Host, HostFacts, HostKind};
use longshore_core::image::Image;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::Handle;
use longshore_core::log::{Frame, Stream};
use longshore_core::outcome::{CancelReason, FailReason, JobStatus, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::share::Share;
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_core::{AttemptId, WorkerId};
use longshore_executor::mock::{Knobs, MockExecutor};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_service::{DockerService, ServiceOptions};
use longshore_store::{Claim, End, Fenced, LogTotals, LogWriter, Store};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::backstage::{
    Backstage, Cleanup, DefaultHost, Fate, Leftover, OnJobPull, PullWish, Stop, Told, Trouble,
    WorkerOptions,
};
use crate::interrupts::Interrupts;
use crate::session::Listen;

/// Plays engine and executors.
pub(crate) struct Play {
    pub(super) presses: Mutex<usize>,
    pub(super) engine: Mutex<String>,
    keys: Mutex<Option<mpsc::UnboundedSender<()>>>,
    /// The host of the jobs that their caller drives.
    pub(super) mock: MockExecutor,
}

/// Every host is the one mock.
struct MockSource(MockExecutor);

impl ExecutorSource for MockSource {
    fn open(&self, _: &Host) -> Result<SharedExecutor, ExecutorError> {
        Ok(Arc::new(self.0.clone()))
    }
}

impl Default for Play {
    fn default() -> Self {
        Self {
            presses: Mutex::default(),
            engine: Mutex::new("local".to_owned()),
            keys: Mutex::default(),
            mock: MockExecutor::new(Knobs::new(Timestamp::now())),
        }
    }
}

impl Play {
    pub(super) fn listen(self: &Arc<Self>) -> Listen {
        let play = Arc::clone(self);
        Box::new(move || {
            let (sender, receiver) = mpsc::unbounded_channel();
            *play.keys.lock().unwrap() = Some(sender);
            let keys = futures::stream::unfold(receiver, async |mut receiver| {
                receiver.recv().await.map(|()| ((), receiver))
            });
            Ok(Interrupts::new(keys.boxed()))
        })
    }

    fn press(&self) {
        let times = std::mem::take(&mut *self.presses.lock().unwrap());
        if let Some(keys) = self.keys.lock().unwrap().as_ref() {
            (0..times).for_each(|_| keys.send(()).unwrap());
        }
    }

    async fn next(&self, store: &Store, options: &WorkerOptions) -> Option<Job> {
        let queued = store.queued(100).await.unwrap();
        queued
            .into_iter()
            .find(|job| options.only_job.is_none_or(|only| only == job.id))
    }

    async fn play(&self, store: &Store, job: &Job) {
        let Some(attempt) = claim(store, job).await else {
            return;
        };
        let words: Vec<String> = job.spec.command.argv().to_vec();
        let fenced = Fenced::from(&attempt);
        let handle = Handle {
            version: 1,
            content: "played".into(),
        };
        let mut log = LogWriter::open(store.logs(), attempt.id, 1 << 20)
            .await
            .unwrap();
        let mut verdict = verdict(Outcome::Completed, Some(0));
        let runs = !words.iter().any(|word| word == "refuse");
        if runs {
            store
                .image_ready(fenced, None, Timestamp::now())
                .await
                .unwrap();
            store
                .created(fenced, &handle, Timestamp::now())
                .await
                .unwrap();
            store
                .started(fenced, &handle, Timestamp::now())
                .await
                .unwrap();
            self.press();
        }
        for word in &words {
            match word.split_once('=') {
                Some(("out", text)) => log.append(frame(Stream::Stdout, text)).await.unwrap(),
                Some(("err", text)) => log.append(frame(Stream::Stderr, text)).await.unwrap(),
                Some(("exit", code)) => verdict = exited(code.parse().unwrap()),
                _ if word == "hang" => verdict = until_cancelled(store, job).await,
                _ if word == "stubborn" => std::future::pending().await,
                _ if word == "refuse" => verdict = refused(),
                _ => {}
            }
        }
        let totals: LogTotals = log.finish().await.unwrap();
        if runs {
            store
                .exited(fenced, &handle, &verdict, Timestamp::now())
                .await
                .unwrap();
        }
        let end = End {
            verdict,
            next: Next::Final,
            usage: None,
            log: totals,
            now: Timestamp::now(),
        };
        store.end(fenced, end).await.unwrap();
        store.removed(attempt.id, Timestamp::now()).await.unwrap();
    }
}

async fn claim(store: &Store, job: &Job) -> Option<AttemptRecord> {
    let host = store.host_by_name(job.spec.host.as_deref()?).await.unwrap();
    let claim = Claim {
        job: job.id,
        attempt: AttemptId::new(Uuid::now_v7()),
        after: job.attempt,
        host: host.id,
        share: Share::default(),
        most: Share::ENDLESS,
        why: String::new(),
    };
    let now = Timestamp::now();
    let until = now + std::time::Duration::from_mins(1);
    let worker = WorkerId::new(Uuid::new_v4());
    store
        .claim(&[claim], worker, until, now)
        .await
        .unwrap()
        .pop()
}

async fn until_cancelled(store: &Store, job: &Job) -> Verdict {
    let mut changes = store.changes();
    while store
        .job(job.id)
        .await
        .unwrap()
        .cancel_requested_at
        .is_none()
    {
        changes.changed().await;
    }
    verdict(Outcome::Cancelled(CancelReason::User), Some(143))
}

fn frame(stream: Stream, text: &str) -> Frame {
    Frame {
        stream,
        at: Timestamp::now(),
        bytes: Bytes::from(format!("{text}\n")),
    }
}

fn exited(code: i32) -> Verdict {
    let outcome = if code == 0 {
        Outcome::Completed
    } else {
        Outcome::Failed(FailReason::Exit(code))
    };
    verdict(outcome, Some(code))
}

fn refused() -> Verdict {
    let outcome = Outcome::Failed(Fault::ImageNotFound.into());
    Verdict::without_run(outcome, Provenance::Call, Some("no such image here".into()))
}

fn verdict(outcome: Outcome, exit_code: Option<i32>) -> Verdict {
    Verdict {
        exit_code,
        ..Verdict::without_run(outcome, Provenance::Event, None)
    }
}

/// What a host of the play says of itself.
pub(crate) fn facts() -> HostFacts {
    HostFacts {
        engine: "play".into(),
        version: "1.0".into(),
        api_version: "1".into(),
        engine_id: "id".into(),
        platform: "linux/amd64".into(),
        cpus: 2,
        memory_bytes: 1 << 30,
        storage_driver: "none".into(),
        cgroup_version: 2,
        latency: std::time::Duration::from_millis(1),
        clock_skew: jiff::SignedDuration::ZERO,
        engine_started_at: None,
        free_disk_bytes: None,
        warnings: Vec::new(),
    }
}

#[async_trait]
impl Backstage for Play {
    fn before_threads(&self) {}

    async fn work(
        &self,
        store: &Store,
        options: WorkerOptions,
        mut stop: watch::Receiver<Stop>,
    ) -> Result<(), Trouble> {
        let mut changes = store.changes();
        let work = async {
            loop {
                match self.next(store, &options).await {
                    Some(job) => self.play(store, &job).await,
                    None if options.exit_when_empty => return,
                    None if is_final(store, &options).await => return,
                    None => changes.changed().await,
                }
            }
        };
        tokio::select! {
            () = work => {}
            _ = stop.wait_for(|stop| *stop != Stop::Never) => {}
        }
        Ok(())
    }

    fn default_host(&self, _: Option<&str>) -> Result<DefaultHost, Trouble> {
        let name = self.engine.lock().unwrap().clone();
        let endpoint = Endpoint {
            address: format!("unix:///{name}.sock"),
            tls: None,
        };
        Ok(DefaultHost {
            name,
            kind: HostKind::Mock,
            endpoint,
            note: None,
        })
    }

    fn embedded_host(&self) -> DefaultHost {
        DefaultHost {
            name: "embedded".into(),
            kind: HostKind::Oci,
            endpoint: Endpoint {
                address: "oci:///usual".into(),
                tls: None,
            },
            note: None,
        }
    }

    async fn probe(&self, host: &Host) -> Result<HostFacts, Trouble> {
        if host.endpoint.address.contains("dead") {
            return Err(Trouble {
                what: format!("cannot reach host {}", host.name),
                said: "connection refused".into(),
                hint: None,
            });
        }
        Ok(facts())
    }

    fn docker_service(&self, store: &Store, on_pull: OnJobPull) -> DockerService {
        let options = ServiceOptions {
            on_pull: Some(on_pull),
            ..ServiceOptions::default()
        };
        let source = Arc::new(MockSource(self.mock.clone()));
        DockerService::new(store.clone(), source, options)
    }

    fn workers_here(&self, _: &Store) -> Option<usize> {
        Some(0)
    }

    fn unsupported(&self, _: &Host, spec: &JobSpec) -> Vec<String> {
        spec.gpus
            .iter()
            .map(|gpus| format!("--gpus {gpus}: it has no GPUs"))
            .collect()
    }

    async fn images(&self, _: &Host) -> Result<Vec<Image>, Trouble> {
        Ok(vec![image("demo:1")])
    }

    async fn pull(
        &self,
        store: &Store,
        host: &Host,
        wish: PullWish,
        _: Told,
    ) -> Result<Image, Trouble> {
        let name = wish.image.to_string();
        // A host of the environment is in no pool.
        let _ = store.note_pull(host.id, &name, None, host.created_at).await;
        Ok(image(&name))
    }

    async fn import_images(
        &self,
        _: &Host,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, Trouble> {
        let name = name.map_or_else(|| "imported:1".to_owned(), ToString::to_string);
        if from.is_file() {
            return Ok(vec![image(&name)]);
        }
        Err(Trouble {
            what: format!("cannot import {}", from.display()),
            said: "no such file".into(),
            hint: None,
        })
    }

    async fn remove_image(&self, _: &Host, image: &ImageReference) -> Result<bool, Trouble> {
        Ok(image.to_string() == "demo:1")
    }

    async fn collect_images(
        &self,
        _: &Store,
        _: &Host,
        keep: Keep,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble> {
        let fate = match cleanup {
            Cleanup::Plan => Fate::Planned,
            Cleanup::Apply => Fate::Removed,
        };
        Ok(vec![Leftover {
            what: "image demo:1".into(),
            fate,
            why: format!("{:?}, {} bytes", keep.younger_than, keep.size_bytes),
        }])
    }

    fn to_handle(&self, engine_id: &str) -> Handle {
        Handle {
            version: 1,
            content: engine_id.to_owned(),
        }
    }

    async fn cleanup(
        &self,
        _: &Store,
        _: &Host,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble> {
        let fate = match cleanup {
            Cleanup::Plan => Fate::Planned,
            Cleanup::Apply => Fate::Removed,
        };
        let ours = Leftover {
            what: "container longshore-1".into(),
            fate,
            why: "its job ended".into(),
        };
        let other = Leftover {
            what: "container db".into(),
            fate: Fate::Foreign,
            why: "not ours".into(),
        };
        Ok(vec![ours, other])
    }
}

async fn is_final(store: &Store, options: &WorkerOptions) -> bool {
    let Some(job) = options.only_job else {
        return false;
    };
    let status: JobStatus = store.job(job).await.unwrap().status;
    status.is_final()
}

fn image(tag: &str) -> Image {
    Image {
        id: "sha256:0123456789abcdef".into(),
        tags: vec![tag.to_owned()],
        digests: Vec::new(),
        size_bytes: 3 << 20,
        created_at: None,
    }
}
