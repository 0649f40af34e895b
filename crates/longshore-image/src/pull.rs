//! Pulling images: one pull for each name and platform, however many callers want it.
//!
//! A *pull* is a future that its waiters share: it moves as long as one of them waits, and is given
//! up when the last has gone. Limits are the waiters' own. Pulls of other processes are met in the
//! store: what one of them brings, the others wait for.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use longshore_core::image::{Credential, PullProgress};
use longshore_core::spec::{ImageReference, Platform};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::assemble::{Plan, assemble};
use crate::digest::Digest;
use crate::document::{Document, Index, Manifest};
use crate::error::ImageError;
use crate::platform::{choose, host_platform};
use crate::progress::Progress;
use crate::registry::{Registry, RegistryOptions};
use crate::store::{ImageStore, StoredImage};
use crate::waiting::blocking;

/// An image that is to be brought here.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// What. A digest in it is held to: nothing else is brought.
    pub image: ImageReference,
    /// For which platform, if not the machine's own.
    pub platform: Option<Platform>,
    /// Who pulls; none is anybody.
    pub credential: Option<Credential>,
    /// Give up when nothing happens for so long.
    pub idle: Duration,
    /// Give up when not done after so long.
    pub total: Duration,
}

/// Brings images from registries into a store.
#[derive(Debug)]
pub struct Puller {
    store: ImageStore,
    options: Arc<RegistryOptions>,
    running: Mutex<HashMap<Key, Weak<Pull>>>,
}

type Key = (String, Platform);
type Outcome = Result<StoredImage, Arc<ImageError>>;

/// One pull that is under way.
#[derive(Debug)]
struct Pull {
    outcome: Shared<BoxFuture<'static, Outcome>>,
    progress: watch::Receiver<PullProgress>,
}

impl Puller {
    /// A puller for `store`. Pulls are shared by those who use the same puller.
    pub fn new(store: ImageStore, options: RegistryOptions) -> Self {
        Self {
            store,
            options: Arc::new(options),
            running: Mutex::default(),
        }
    }

    /// Brings the image into the store, unpacked; joins the pull that is under way, if there is
    /// one. The name is looked up in the registry even if the image is here, unless it has a
    /// digest; what is here already is not brought again. What has come of a pull that fails is
    /// kept for the next one.
    ///
    /// # Errors
    /// See [`ImageError`]; whoever shares a pull shares its error.
    pub async fn pull(
        &self,
        request: &PullRequest,
        on_progress: impl Fn(&PullProgress) + Send,
    ) -> Result<StoredImage, Arc<ImageError>> {
        let pull = self.join(request);
        let mut progress = pull.progress.clone();
        let mut outcome = pull.outcome.clone();
        let total = Instant::now() + request.total;
        let mut idle = Instant::now() + request.idle;
        loop {
            tokio::select! {
                biased;
                outcome = &mut outcome => return outcome,
                () = next(&mut progress) => {
                    idle = Instant::now() + request.idle;
                    on_progress(&progress.borrow_and_update().clone());
                }
                () = sleep_until(idle.min(total)) => return Err(Arc::new(too_long(request, idle < total))),
            }
        }
    }

    fn join(&self, request: &PullRequest) -> Arc<Pull> {
        let platform = request.platform.clone().unwrap_or_else(host_platform);
        let key = (request.image.canonical(), platform.clone());
        let mut running = self.running.lock().expect("no holder panics");
        running.retain(|_, pull| pull.strong_count() > 0);
        let known = running.get(&key).and_then(Weak::upgrade);
        // One that has ended is no longer under way, though somebody still reads its outcome.
        if let Some(pull) = known.filter(|pull| pull.outcome.peek().is_none()) {
            return pull;
        }
        let (sender, progress) = Progress::new();
        let work = Work {
            store: self.store.clone(),
            options: Arc::clone(&self.options),
            image: request.image.clone(),
            platform,
            credential: request.credential.clone(),
            progress: sender,
        };
        let outcome = work
            .run()
            .map(|outcome| outcome.map_err(Arc::new))
            .boxed()
            .shared();
        let pull = Arc::new(Pull { outcome, progress });
        running.insert(key, Arc::downgrade(&pull));
        pull
    }
}

/// The next progress; never, when there will be none.
async fn next(progress: &mut watch::Receiver<PullProgress>) {
    if progress.changed().await.is_err() {
        pending::<()>().await;
    }
}

fn too_long(request: &PullRequest, was_idle: bool) -> ImageError {
    let why = if was_idle {
        format!("nothing happened for {:?}", request.idle)
    } else {
        format!("it was not done after {:?}", request.total)
    };
    let image = request.image.to_string();
    ImageError::TimedOut { image, why }
}

/// What one pull needs.
struct Work {
    store: ImageStore,
    options: Arc<RegistryOptions>,
    image: ImageReference,
    platform: Platform,
    credential: Option<Credential>,
    progress: Progress,
}

/// The manifest that a name leads to for one platform.
struct Choice {
    text: Vec<u8>,
    parsed: Manifest,
    index: Option<Digest>,
}

impl Work {
    async fn run(self) -> Result<StoredImage, ImageError> {
        let here = self.here().await?;
        if let Some(image) = here.clone().filter(|_| self.image.digest().is_some()) {
            return Ok(image);
        }
        let registry = Registry::connect(&self.image, self.credential.as_ref(), &self.options);
        let registry = registry.await?;
        self.progress.sign_of_life();
        if let Some(image) = here {
            let digest = registry.digest().await?;
            if image.comes_from(&digest) {
                return Ok(image);
            }
        }
        let choice = self.choose(&registry).await?;
        self.progress.sign_of_life();
        let plan = Plan {
            name: self.image.canonical(),
            platform: self.platform.clone(),
            manifest: choice.text,
            parsed: choice.parsed,
            index: choice.index,
        };
        assemble(&self.store, &registry, plan, &self.progress).await
    }

    async fn here(&self) -> Result<Option<StoredImage>, ImageError> {
        let store = self.store.clone();
        let (image, platform) = (self.image.clone(), self.platform.clone());
        blocking(move || store.find(&image, Some(&platform))).await
    }

    async fn choose(&self, registry: &Registry) -> Result<Choice, ImageError> {
        let pinned = self.image.digest().and_then(|digest| digest.parse().ok());
        let text = registry.document(pinned.as_ref()).await?;
        match Document::parse(&text, &self.image.to_string())? {
            Document::Manifest(parsed) => Ok(Choice {
                text,
                parsed,
                index: None,
            }),
            Document::Index(index) => self.of_index(registry, &index, Digest::of(&text)).await,
        }
    }

    async fn of_index(
        &self,
        registry: &Registry,
        index: &Index,
        digest: Digest,
    ) -> Result<Choice, ImageError> {
        let Some(entry) = choose(&index.manifests, &self.platform) else {
            return Err(ImageError::WrongPlatform {
                image: self.image.to_string(),
                wanted: self.platform.to_string(),
                offered: index.offers(),
            });
        };
        let text = registry.document(Some(&entry.digest)).await?;
        match Document::parse(&text, &self.image.to_string())? {
            Document::Manifest(parsed) => Ok(Choice {
                text,
                parsed,
                index: Some(digest),
            }),
            Document::Index(_) => Err(ImageError::malformed(
                &self.image,
                "its index leads to another index",
            )),
        }
    }
}
