//! Pulling images: one pull for each image and platform, however many callers want it.
//!
//! A *pull* is a future that its waiters share: it moves as long as one of them waits, and is
//! cancelled (the engine then stops too) when the last has gone. Limits are the waiters' own.

use std::collections::HashMap;
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use longshore_core::fault::{Fault, PullFault};
use longshore_core::image::{Image, PullProgress};
use longshore_core::spec::{ImageReference, Platform};
use longshore_executor::{ExecutorError, OnProgress, PullRequest, find_credential};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::failure::{Cause, Failure};
use crate::faults;
use crate::lines::JsonLines;
use crate::progress::PullLine;
use crate::registry_auth;
use crate::shown::{engine_name, inspect};

type Key = (String, Option<Platform>);
type Outcome = Result<Image, Arc<PullFailure>>;

/// The pulls of one engine.
pub(crate) struct Pulls {
    client: Arc<Client>,
    docker_config: Option<PathBuf>,
    running: Mutex<HashMap<Key, Weak<Pull>>>,
}

/// One pull that is under way.
struct Pull {
    outcome: Shared<BoxFuture<'static, Outcome>>,
    progress: watch::Receiver<PullProgress>,
}

struct PullFailure {
    failure: Failure,
    repository: String,
    /// What may stand behind a refusal.
    credential_trouble: Option<String>,
}

impl Pulls {
    pub(crate) fn new(client: Arc<Client>, docker_config: Option<PathBuf>) -> Self {
        Self {
            client,
            docker_config,
            running: Mutex::default(),
        }
    }

    /// Brings the image to the engine; joins the pull that is under way, if there is one.
    pub(crate) async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError> {
        let pull = self.join(request);
        let mut progress = pull.progress.clone();
        progress.mark_changed();
        let mut outcome = pull.outcome.clone();
        let total = Instant::now() + request.total;
        let mut idle = Instant::now() + request.idle;
        loop {
            tokio::select! {
                biased;
                outcome = &mut outcome => return outcome.map_err(|why| why.error()),
                () = next(&mut progress) => {
                    idle = Instant::now() + request.idle;
                    on_progress(&progress.borrow_and_update().clone());
                }
                () = sleep_until(idle.min(total)) => return Err(self.too_long(request, idle < total)),
            }
        }
    }

    fn join(&self, request: &PullRequest) -> Arc<Pull> {
        let key = (engine_name(&request.image), request.platform.clone());
        let mut running = self.running.lock().expect("no holder panics");
        running.retain(|_, pull| pull.strong_count() > 0);
        let known = running.get(&key).and_then(Weak::upgrade);
        // One that has ended is no longer under way, though somebody still reads its outcome.
        if let Some(pull) = known.filter(|pull| pull.outcome.peek().is_none()) {
            return pull;
        }
        let pull = Arc::new(self.begin(request));
        running.insert(key, Arc::downgrade(&pull));
        pull
    }

    fn begin(&self, request: &PullRequest) -> Pull {
        let (sender, progress) = watch::channel(PullProgress::default());
        let work = Work {
            client: Arc::clone(&self.client),
            docker_config: self.docker_config.clone(),
            image: request.image.clone(),
            platform: request.platform.clone(),
            progress: sender,
        };
        Pull {
            outcome: work.run().boxed().shared(),
            progress,
        }
    }

    fn too_long(&self, request: &PullRequest, was_idle: bool) -> ExecutorError {
        let why = if was_idle {
            format!("nothing happened for {:?}", request.idle)
        } else {
            format!("it was not done after {:?}", request.total)
        };
        let text = format!(
            "cannot pull {} at {}: {why}",
            request.image,
            self.client.place()
        );
        ExecutorError::new(Fault::ImagePull(PullFault::TimedOut), text)
    }
}

/// The next progress; never, when there will be none.
async fn next(progress: &mut watch::Receiver<PullProgress>) {
    if progress.changed().await.is_err() {
        pending::<()>().await;
    }
}

impl PullFailure {
    fn error(&self) -> ExecutorError {
        let fault = faults::of_pull(&self.failure, &self.repository);
        let error = self.failure.as_fault(fault);
        match &self.credential_trouble {
            Some(trouble) if fault == Fault::ImageDenied => {
                ExecutorError::new(fault, format!("{error}; {trouble}"))
            }
            Some(_) | None => error,
        }
    }
}

/// What one pull needs.
struct Work {
    client: Arc<Client>,
    docker_config: Option<PathBuf>,
    image: ImageReference,
    platform: Option<Platform>,
    progress: watch::Sender<PullProgress>,
}

impl Work {
    async fn run(self) -> Outcome {
        let registry = self.image.registry_host();
        let found = find_credential(self.docker_config.as_deref(), registry).await;
        let header = found
            .credential
            .map(|it| registry_auth::encode(&it, registry));
        let call = self.call().with_registry_auth(header);
        let outcome = self.follow(call).await;
        outcome.map_err(|failure| {
            Arc::new(PullFailure {
                failure,
                repository: self.image.repository(),
                credential_trouble: found.trouble,
            })
        })
    }

    /// The tag is always sent: without one, the engine pulls them all.
    fn call(&self) -> Call {
        let tag = self.image.digest().or(self.image.tag()).unwrap_or("latest");
        let mut query = Serializer::new(String::new());
        query
            .append_pair("fromImage", &self.image.repository())
            .append_pair("tag", tag);
        if let Some(platform) = &self.platform {
            query.append_pair("platform", &platform.to_string());
        }
        let path = format!("/images/create?{}", query.finish());
        Call::post(path, self.client.deadlines().pull_first_byte, self.tried())
    }

    fn tried(&self) -> String {
        format!("pull {}", self.image)
    }

    /// A pull has succeeded when its lines end without an error and the image is there.
    async fn follow(&self, call: Call) -> Result<Image, Failure> {
        let mut lines = JsonLines::new(self.client.stream(call).await?);
        while let Some(line) = self.line(&mut lines).await? {
            if let Some(message) = line.failure() {
                return Err(self.failed(Cause::Refused {
                    status: 200,
                    message,
                }));
            }
            if line.is_progress() {
                self.progress.send_modify(|progress| line.apply(progress));
            }
        }
        let said = |message: &str| {
            self.failed(Cause::Refused {
                status: 200,
                message: message.to_owned(),
            })
        };
        let there = inspect(&self.client, &self.image).await?;
        let there = there.ok_or_else(|| said("the pull ended, but the image is not there"))?;
        // For an image of one platform alone, engines take any wish.
        if self
            .platform
            .as_ref()
            .is_some_and(|wanted| !there.is_for(wanted))
        {
            return Err(said("the image does not match the specified platform"));
        }
        Ok(there.into())
    }

    async fn line(&self, lines: &mut JsonLines) -> Result<Option<PullLine>, Failure> {
        lines
            .next()
            .await
            .map_err(|why| self.failed(Cause::Broken(why)))
    }

    fn failed(&self, cause: Cause) -> Failure {
        Failure {
            tried: self.tried(),
            place: self.client.place().to_owned(),
            cause,
        }
    }
}
