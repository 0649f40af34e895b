//! The way from a job to its container: host, attempt, image, create.
//!
//! Guarantees: the attempt is in the store before anything is asked of the host; a create whose reply
//! was lost is found again by the next one.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use longshore_core::attempt::{Phase, refused};
use longshore_core::fault::Fault;
use longshore_core::image::PullProgress;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::{Handle, Launch};
use longshore_core::legacy::LegacyLabels;
use longshore_core::outcome::Verdict;
use longshore_core::spec::EnvName;
use longshore_core::{AttemptId, JobId, with_causes};
use longshore_executor::{Brought, ExecutorError, OnProgress, Wanted, bring};
use longshore_store::Begun;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::charge::Charge;
use crate::error::{ServiceError, Why};
use crate::placing::{self, Load};
use crate::service::DockerService;
use crate::subject::Subject;

const TRIED: &str = "container creation failed";
/// How often an image may vanish between pull and create before that is the answer.
const IMAGE_LOSSES: u32 = 2;

/// A job whose container is there.
pub(crate) struct Prepared {
    pub(crate) charge: Charge,
    pub(crate) handle: Handle,
}

/// Why there is no container.
pub(crate) enum Unprepared {
    /// Nothing was begun.
    Refused(ServiceError),
    /// An attempt was begun, and this happened to it.
    Failed(Box<Setback>),
}

/// An attempt that has no container, as far as is known.
pub(crate) struct Setback {
    pub(crate) attempt: Box<AttemptRecord>,
    /// `None` where not even an executor could be made.
    pub(crate) charge: Option<Charge>,
    pub(crate) error: ServiceError,
    pub(crate) remains: Remains,
}

/// What there may be of a container that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remains {
    /// Nothing: no create was sent.
    Nothing,
    /// Perhaps something, and the host can be asked.
    Perhaps,
    /// A create was sent that got no answer.
    Unknown,
}

impl Setback {
    /// How the attempt ends if it is given up for this.
    pub(crate) fn verdict(&self) -> Verdict {
        let fault = self.error.fault().unwrap_or(Fault::Internal);
        refused(fault, &with_causes(&self.error))
    }
}

impl<E: Into<ServiceError>> From<E> for Unprepared {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl DockerService {
    /// Makes the container of a job, or finds the one that it has.
    pub(crate) async fn prepare(
        &self,
        job: JobId,
        env: &BTreeMap<EnvName, String>,
    ) -> Result<Prepared, Unprepared> {
        let subject = self.driven(job, TRIED).await?.under_way();
        let (attempt, is_new) = self.begun(&subject).await?;
        let host = self.store().host(attempt.host).await?;
        let place = match self.place(&host) {
            Ok(place) => place,
            Err(error) => {
                return Err(Unprepared::Failed(Box::new(Setback {
                    attempt,
                    charge: None,
                    error,
                    remains: if is_new {
                        Remains::Nothing
                    } else {
                        Remains::Unknown
                    },
                })));
            }
        };
        let charge = Charge {
            service: self.clone(),
            place,
            job: subject.job,
            attempt,
        };
        charge.prepare(env, is_new).await
    }

    /// The attempt to make a container for, and whether it is new.
    async fn begun(&self, subject: &Subject) -> Result<(Box<AttemptRecord>, bool), ServiceError> {
        if let Some(attempt) = &subject.attempt {
            return Ok((attempt.clone(), false));
        }
        let job = &subject.job;
        let store = self.store();
        let load = Load {
            busy: store.loads().await?,
            begun: store.begun_attempts().await?,
        };
        let host = placing::place(&job.spec, &store.hosts().await?, &load)
            .map_err(|none| ServiceError::execution(TRIED, none))?;
        let attempt = AttemptId::new(Uuid::now_v7());
        let begun = self.store().begin(job.id, attempt, host.id, self.now());
        match begun.await? {
            Begun::New(attempt) => Ok((Box::new(attempt), true)),
            Begun::UnderWay(attempt) => Ok((Box::new(attempt), false)),
            Begun::NotPending(status) => Err(ServiceError::execution(TRIED, Why::Status(status))),
            Begun::OfEngine => Err(ServiceError::execution(TRIED, Why::OfEngine)),
        }
    }
}

impl Charge {
    async fn prepare(
        mut self,
        env: &BTreeMap<EnvName, String>,
        is_new: bool,
    ) -> Result<Prepared, Unprepared> {
        if !is_new && let Some(handle) = self.earlier_container().await? {
            let charge = self;
            return Ok(Prepared { charge, handle });
        }
        let mut launch = self.launch();
        launch.spec.env.extend(env.clone());
        match self.make(&launch).await {
            Ok(handle) => {
                self.created(&handle).await?;
                let charge = self;
                Ok(Prepared { charge, handle })
            }
            Err(Unmade { error, remains }) => Err(Unprepared::Failed(Box::new(Setback {
                attempt: self.attempt.clone(),
                error: self.place.error(TRIED, error),
                charge: Some(self),
                remains,
            }))),
        }
    }

    /// The container that an earlier call made for this attempt.
    async fn earlier_container(&mut self) -> Result<Option<Handle>, ServiceError> {
        if self.attempt.phase != Phase::Claimed {
            return Ok(self.attempt.handle.clone());
        }
        let (place, id) = (&self.place, self.attempt.id);
        let found = place.call(|| place.executor.find(id)).await;
        let found = found.map_err(|error| place.error(TRIED, error))?;
        if let Some(handle) = &found {
            self.created(handle).await?;
        }
        Ok(found)
    }

    fn launch(&self) -> Launch {
        let (job, host) = (&self.job, &self.place.host);
        let launch = job.launch(self.store().pool(), self.attempt.id, &host.name);
        Launch {
            legacy: Some(legacy_labels(job, host.id.to_string(), &host.name)),
            ..launch
        }
    }

    /// Brings the image and creates the container.
    async fn make(&self, launch: &Launch) -> Result<Handle, Unmade> {
        let place = &self.place;
        let mut losses = 0;
        loop {
            self.image(launch).await.map_err(Unmade::before)?;
            let created = place.call(|| place.executor.create(launch)).await;
            match created {
                Err(error) if error.fault() == Fault::ImageNotFound && losses < IMAGE_LOSSES => {
                    losses += 1;
                }
                created => return created.map_err(Unmade::at_create),
            }
        }
    }

    async fn image(&self, launch: &Launch) -> Result<(), ExecutorError> {
        let brought = self.bring(launch).await?;
        let digest = brought.digest.as_deref();
        if brought.is_new {
            let host = &self.place.host;
            self.service.note_pull(host, &launch.image, digest).await;
        }
        let ready = self.store().image_ready(self.fenced(), digest, self.now());
        if let Err(error) = ready.await {
            tracing::warn!(%error, "that the image is there could not be written down");
        }
        Ok(())
    }

    async fn bring(&self, launch: &Launch) -> Result<Brought, ExecutorError> {
        let Some(images) = self.place.executor.images() else {
            return Ok(Brought {
                digest: None,
                is_new: false,
            });
        };
        let host = &self.place.host;
        let pulls = Notify::new();
        let on_progress = self.on_progress();
        let mut bringing = pin!(self.place.call(|| {
            let told = || pulls.notify_one();
            bring(
                images,
                Wanted { launch, host },
                told,
                Arc::clone(&on_progress),
            )
        }));
        loop {
            tokio::select! {
                brought = &mut bringing => return brought,
                () = pulls.notified() => self.pulling(&launch.image.to_string()).await,
            }
        }
    }

    async fn pulling(&self, image: &str) {
        let told = self.store().pulling(self.fenced(), image, self.now()).await;
        if let Err(error) = told {
            tracing::debug!(%error, "a pull is not shown");
        }
    }

    fn on_progress(&self) -> OnProgress {
        let (on_pull, job) = (self.service.options().on_pull.clone(), self.job.id);
        Arc::new(move |progress: &PullProgress| {
            if let Some(on_pull) = &on_pull {
                on_pull(job, progress);
            }
        })
    }
}

/// A container that was not made.
struct Unmade {
    error: ExecutorError,
    remains: Remains,
}

impl Unmade {
    fn before(error: ExecutorError) -> Self {
        let remains = Remains::Nothing;
        Self { error, remains }
    }

    fn at_create(error: ExecutorError) -> Self {
        let remains = if error.fault().is_silence() {
            Remains::Unknown
        } else {
            Remains::Perhaps
        };
        Self { error, remains }
    }
}

fn legacy_labels(job: &Job, host_id: String, host_name: &str) -> LegacyLabels {
    LegacyLabels {
        job: job.id,
        job_name: job.spec.name.as_ref().map(ToString::to_string),
        host_id,
        host_name: host_name.to_owned(),
        created_at: job.created_at,
        created_by: None,
    }
}
