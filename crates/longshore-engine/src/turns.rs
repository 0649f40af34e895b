//! Pulls that wait their turn at registries that limit them.
//!
//! A pull that the registry refuses for its limit is made again when its turn comes, for as long as
//! the pull may last. Within one process the pulls from one registry stand in line, so that only the
//! first of them asks the store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use longshore_core::fault::{Fault, PullFault};
use longshore_core::image::Image;
use longshore_core::pace::{Answer, Pace, Turn};
use longshore_core::spec::ImageReference;
use longshore_executor::{ExecutorError, Images, OnProgress, PullRequest, Removed};
use longshore_store::{Store, StoreError};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::clock::Clock;

/// The lines at the registries, of one process.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl Turns {
    fn line(&self, registry: &str) -> Arc<AsyncMutex<()>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|name, line| name == registry || Arc::strong_count(line) > 1);
        Arc::clone(lines.entry(registry.to_owned()).or_default())
    }
}

/// The images of a host, whose pulls wait their turn.
pub(crate) struct Paced<'a> {
    pub(crate) images: &'a dyn Images,
    pub(crate) store: &'a Store,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) turns: &'a Turns,
    /// Told what a pull waits for.
    pub(crate) told: &'a (dyn Fn(&str) + Send + Sync),
}

#[async_trait]
impl Images for Paced<'_> {
    async fn image(&self, image: &ImageReference) -> Result<Option<Image>, ExecutorError> {
        self.images.image(image).await
    }

    /// As the host's own, but that being limited is no failure before the limit of the whole.
    async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError> {
        let registry = request.image.registry_host();
        let until = Instant::now() + request.total;
        let before = self.images.image(&request.image).await?;
        loop {
            let turn = timeout_at(until, self.turn(request, before.as_ref()));
            match turn.await {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(brought))) => return Ok(brought),
                // Without the store nobody knows of a limit, and the registry says so itself.
                Ok(Err(error)) => tracing::warn!(%error, "the pace of pulls cannot be read"),
                Err(_) => return Err(limited(registry)),
            }
            let began_at = self.clock.now();
            let pulled = self.images.pull(request, Arc::clone(&on_progress)).await;
            let answer = match &pulled {
                Ok(_) => Answer::Served,
                Err(error) if error.fault() == Fault::ImagePull(PullFault::RateLimited) => {
                    Answer::Refused
                }
                Err(_) => return pulled,
            };
            let noted = self.note(registry, answer, began_at).await;
            if answer == Answer::Served || noted.is_none() {
                return pulled;
            }
        }
    }

    async fn list(&self) -> Result<Vec<Image>, ExecutorError> {
        self.images.list().await
    }

    async fn remove(&self, image: &ImageReference) -> Result<Removed, ExecutorError> {
        self.images.remove(image).await
    }

    async fn import(
        &self,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, ExecutorError> {
        self.images.import(from, name).await
    }
}

impl Paced<'_> {
    /// Waits until the pull may begin; answers with the image if somebody brought it meanwhile.
    async fn turn(
        &self,
        request: &PullRequest,
        before: Option<&Image>,
    ) -> Result<Option<Image>, StoreError> {
        let registry = request.image.registry_host();
        if let Some(pace) = self.store.pace(registry, self.clock.now()).await? {
            self.tell(registry, pace.next_at);
        }
        let line = self.turns.line(registry);
        let _first = line.lock().await;
        loop {
            // Whoever was first in the line may have brought it.
            if let Some(brought) = self.brought(request, before).await {
                return Ok(Some(brought));
            }
            let now = self.clock.now();
            match self.store.take_turn(registry, now).await? {
                Turn::Now => return Ok(self.brought(request, before).await),
                Turn::Later(at) => {
                    self.tell(registry, at);
                    sleep(until_from(now, at)).await;
                }
            }
        }
    }

    /// The image, if it has come since. A host that does not answer now is asked by the pull itself.
    async fn brought(&self, request: &PullRequest, before: Option<&Image>) -> Option<Image> {
        let present = self.images.image(&request.image).await.ok().flatten();
        present.filter(|present| Some(present) != before)
    }

    fn tell(&self, registry: &str, until: Timestamp) {
        (self.told)(&format!(
            "registry {registry} limits pulls until {until:.0}"
        ));
    }

    async fn note(&self, registry: &str, answer: Answer, began_at: Timestamp) -> Option<Pace> {
        let now = self.clock.now();
        let noted = self
            .store
            .registry_answered(registry, answer, began_at, now);
        match noted.await {
            Ok(pace) => {
                if answer == Answer::Refused {
                    tracing::warn!(registry, "the registry limits pulls");
                }
                pace
            }
            Err(error) => {
                tracing::warn!(%error, registry, "the pace of pulls could not be written down");
                None
            }
        }
    }
}

fn until_from(now: Timestamp, at: Timestamp) -> std::time::Duration {
    let pause = std::time::Duration::try_from(at.duration_since(now)).unwrap_or_default();
    // A moment later than the clock says, so that the turn has come for sure.
    pause + std::time::Duration::from_millis(1)
}

fn limited(registry: &str) -> ExecutorError {
    let text =
        format!("registry {registry} limits pulls, and no turn came within the pull's limit");
    ExecutorError::new(Fault::ImagePull(PullFault::TimedOut), text)
}
