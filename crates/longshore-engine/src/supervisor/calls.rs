//! The outside calls of a supervisor: each is a future that ends with one thing seen.

use std::sync::Arc;
use std::time::Instant;

use longshore_core::HostId;
use longshore_core::attempt::{Action, Seen};
use longshore_core::fault::Fault;
use longshore_core::image::PullProgress;
use longshore_core::launch::{Handle, Launch};
use longshore_core::spec::PullPolicy;
use longshore_executor::{EndedBy, ExecutorError, Images, Observer, Wanted, bring};

use super::Call;
use super::logs::{LogTask, drain};
use super::outputs::Outputs;
use crate::context::{ActiveHost, Context};
use crate::pump::Past;
use crate::turns::Paced;

/// What the calls of one attempt need.
#[derive(Clone)]
pub(super) struct Calls {
    pub(super) context: Arc<Context>,
    pub(super) host: ActiveHost,
    pub(super) launch: Arc<Launch>,
    pub(super) observer: Observer,
    pub(super) outputs: Outputs,
}

impl Calls {
    /// Begins what the machine asks for.
    pub(super) fn begin(&self, action: Action) -> Call {
        let calls = self.clone();
        match action {
            Action::Find => Box::pin(async move { calls.observer.find().await }),
            Action::EnsureImage => Box::pin(async move { calls.ensure_image().await }),
            Action::Create => Box::pin(async move { calls.create().await }),
            Action::Start(handle) => Box::pin(async move { calls.start(&handle).await }),
            Action::Watch(handle) => {
                let by = if self.outputs.is_stopping() {
                    EndedBy::Us
                } else {
                    EndedBy::Itself
                };
                Box::pin(calls.observer.watch(handle, by))
            }
            Action::Stop(handle) => Box::pin(async move { calls.stop(&handle).await }),
            Action::Drain(handle) => Box::pin(async move { calls.drain(handle).await }),
            Action::Again | Action::Keep | Action::Finish(_) => Box::pin(std::future::pending()),
        }
    }

    async fn create(&self) -> Seen {
        match self.host.executor.create(&self.launch).await {
            Ok(handle) => Seen::Created(handle),
            Err(error) => {
                if error.fault() == Fault::ImageNotFound {
                    self.context
                        .shelf
                        .forget(self.host.host.id, &self.image_key());
                }
                Seen::from(&error)
            }
        }
    }

    async fn start(&self, handle: &Handle) -> Seen {
        match self.host.executor.start(handle).await {
            Ok(()) => Seen::Started,
            Err(error) => Seen::from(&error),
        }
    }

    async fn stop(&self, handle: &Handle) -> Seen {
        let grace = self.launch.spec.timeouts.stop_grace.duration().as_secs();
        let grace_secs = u32::try_from(grace).unwrap_or(u32::MAX);
        match self.host.executor.stop(handle, grace_secs).await {
            Ok(()) => Seen::Stopped,
            Err(error) => Seen::from(&error),
        }
    }

    async fn drain(&self, handle: Handle) -> Seen {
        let task = LogTask {
            logs: self.context.store.logs().clone(),
            executor: Arc::clone(&self.host.executor),
            attempt: self.launch.attempt,
            handle,
            limit_bytes: self.launch.spec.log_limit_bytes(),
            past: Past::Doubtful,
        };
        drain(&task, &self.outputs).await
    }

    async fn ensure_image(&self) -> Seen {
        let Some(images) = self.host.executor.images() else {
            return Seen::ImageReady;
        };
        let (host, key) = (self.host.host.id, self.image_key());
        self.note_use(host).await;
        if self.launch.spec.pull != PullPolicy::Always
            && let Some(sighting) = self.context.shelf.lately(host, &key)
        {
            self.outputs.set_digest(sighting.digest);
            return Seen::ImageReady;
        }
        match self.bring(images).await {
            Ok(digest) => {
                self.context.shelf.put(host, &key, digest.clone());
                self.context
                    .knowledge
                    .add_image(host, &self.launch.spec.image);
                self.outputs.set_digest(digest);
                Seen::ImageReady
            }
            Err(error) => Seen::from(&error),
        }
    }

    /// Makes sure that the image is there.
    async fn bring(&self, images: &dyn Images) -> Result<Option<String>, ExecutorError> {
        let wanted = Wanted {
            launch: &self.launch,
            host: &self.host.host,
        };
        let image = &self.launch.image;
        let calls = self.clone();
        let began = Instant::now();
        let paced = Paced {
            images,
            store: &self.context.store,
            clock: self.context.clock.as_ref(),
            turns: &self.context.turns,
            told: &|waits_for| self.outputs.pulling(waits_for),
        };
        let brought = bring(
            &paced,
            wanted,
            || self.outputs.pulling(&image.to_string()),
            Arc::new(move |progress| calls.show(progress)),
        )
        .await?;
        if brought.is_new {
            tracing::info!(image = %image, seconds = began.elapsed().as_secs_f64(), "image pulled");
            self.note_pull(brought.digest.as_deref()).await;
        }
        Ok(brought.digest)
    }

    /// Keeps when the image was last needed, if that is news.
    async fn note_use(&self, host: HostId) {
        let (context, image) = (&self.context, self.launch.image.to_string());
        if !context.shelf.is_use_news(host, &image) {
            return;
        }
        let noted = context.store.note_image_use(host, &image, context.now());
        if let Err(error) = noted.await {
            tracing::warn!(%error, %image, "the use of an image could not be written down");
        }
    }

    /// The image is ours to remove, since it is we who brought it.
    async fn note_pull(&self, digest: Option<&str>) {
        let (context, image) = (&self.context, self.launch.image.to_string());
        let (host, now) = (self.host.host.id, context.now());
        let noted = context.store.note_pull(host, &image, digest, now).await;
        if let Err(error) = noted {
            tracing::warn!(%error, %image, "a pull could not be written down");
        }
    }

    /// Shows how far a pull has come, once there is something to show.
    fn show(&self, progress: &PullProgress) {
        if !progress.layers.is_empty() {
            self.outputs.pulling(&describe(progress));
        }
        if let Some(on_pull) = &self.context.options.on_pull {
            on_pull(self.launch.job, progress);
        }
    }

    fn image_key(&self) -> String {
        let platform = self.launch.spec.platform.as_ref().map(ToString::to_string);
        format!("{} {}", self.launch.image, platform.unwrap_or_default())
    }
}

/// One line about a pull: layers done, bytes of those under way.
fn describe(progress: &PullProgress) -> String {
    let done = |status: &str| matches!(status, "Pull complete" | "Already exists");
    let layers = progress.layers.len();
    let complete = progress
        .layers
        .iter()
        .filter(|layer| done(&layer.status))
        .count();
    let (current, total) = progress
        .layers
        .iter()
        .fold((0, 0), |(current, total), layer| {
            (
                current + layer.current_bytes,
                total + layer.total_bytes.unwrap_or(0),
            )
        });
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let mb = |bytes: u64| bytes as f64 / 1e6;
    format!(
        "pulled {complete}/{layers} layers ({:.1} MB/{:.1} MB)",
        mb(current),
        mb(total)
    )
}
