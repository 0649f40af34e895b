//! Collects the images of a host that longshore pulled and that nothing needs any more. Plan apart
//! from doing; an image that was there without us is never looked at twice.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::collection::{Choice, Keep, Need, Pulled, collect};
use longshore_core::host::Host;
use longshore_core::image::Image;
use longshore_core::limits;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::{ImageReference, TimeLimit};
use longshore_executor::{ExecutorError, Images, Removed, SharedExecutor, Which};
use longshore_store::{JobCursor, JobFilter, PulledImage, Store, StoreError};
use tokio::time::Instant;

use crate::context::Context;
use crate::sweep::{Doing, SweepError};

/// When images were last collected, and by which age.
type Last = Option<(Instant, TimeLimit)>;

/// Collects now and then as long as the worker runs, if the policy says after which time; at once
/// when that changes.
pub(crate) async fn run(context: Arc<Context>) {
    let mut last: Last = None;
    loop {
        if let Err(error) = run_once(&context, &mut last).await {
            tracing::error!(error = %error, "images cannot be collected; trying again");
        }
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = tokio::time::sleep(limits::SERVICE_PERIOD) => {}
        }
    }
}

/// Looks at all hosts if it is time. One that does not answer now is looked at the next time.
async fn run_once(context: &Context, last: &mut Last) -> Result<(), StoreError> {
    let keep_images = context.store.policy().await?.keep_images;
    let is_due = |(at, by): (Instant, TimeLimit)| {
        Some(by) != keep_images || at.elapsed() >= limits::COLLECT_PERIOD
    };
    let Some(younger_than) = keep_images.filter(|_| last.is_none_or(is_due)) else {
        return Ok(());
    };
    *last = Some((Instant::now(), younger_than));
    let keep = Keep {
        younger_than: younger_than.duration(),
        size_bytes: 0,
    };
    for active in context.hosts() {
        let place = (&active.host, &active.executor);
        let now = context.now();
        let collected = collect_images(&context.store, place, keep, now, Doing::Apply).await;
        let host = &active.host.name;
        match collected {
            Ok(shelved) => shelved.iter().for_each(|it| report(host, it)),
            Err(error) => {
                tracing::warn!(host.name = %host, error = %error, "its images cannot be collected");
            }
        }
    }
    Ok(())
}

fn report(host: &str, shelved: &Shelved) {
    let image = &shelved.image.image;
    match &shelved.removal {
        Some(Ok(_)) => tracing::info!(host.name = %host, image, "image collected"),
        Some(Err(error)) => {
            tracing::warn!(host.name = %host, image, error = %error, "image not collected");
        }
        None => {}
    }
}

/// An image that longshore pulled to a host.
#[derive(Debug)]
pub struct Shelved {
    /// It, and whether it is needed.
    pub image: Pulled,
    /// Whether it stays, and why.
    pub choice: Choice,
    /// What became of its removal, if one was tried.
    pub removal: Option<Result<Removed, ExecutorError>>,
}

/// Judges the images that longshore pulled to a host and, if wanted, removes what may go.
///
/// Guarantees: only names that a pull of ours made are removed, and the engine is never forced: an
/// image that a container uses stays, also if the container came a moment ago.
///
/// # Errors
/// The host or the store does not answer. Images that could not be removed are lines of the answer.
pub async fn collect_images(
    store: &Store,
    (host, executor): (&Host, &SharedExecutor),
    keep: Keep,
    now: Timestamp,
    doing: Doing,
) -> Result<Vec<Shelved>, SweepError> {
    let records = store.pulled_images(host.id).await?;
    let Some(images) = executor.images().filter(|_| !records.is_empty()) else {
        return Ok(Vec::new());
    };
    let present = images.list().await?;
    let needs = Needs {
        wanted: wanted(store).await?,
        used: used(executor).await?,
    };
    let (mut pulled, mut counted) = (Vec::new(), HashSet::new());
    for record in &records {
        match found(record, &present) {
            Some(image) => {
                let judged = needs.judge(record, image, &records);
                // Two names of one image take no more room than one.
                let size_bytes = counted.insert(&image.id).then_some(judged.size_bytes);
                pulled.push(Pulled {
                    size_bytes: size_bytes.unwrap_or_default(),
                    ..judged
                });
            }
            // Somebody removed it: it is ours no longer, should it come back.
            None if doing == Doing::Apply => store.forget_pull(host.id, &record.image).await?,
            None => {}
        }
    }
    let choices = collect(&pulled, keep, now);
    let mut shelved = Vec::new();
    for (image, choice) in pulled.into_iter().zip(choices) {
        let removal = if doing == Doing::Apply && choice == Choice::Collect {
            Some(remove(store, host, images, &image.image).await?)
        } else {
            None
        };
        shelved.push(Shelved {
            image,
            choice,
            removal,
        });
    }
    Ok(shelved)
}

async fn remove(
    store: &Store,
    host: &Host,
    images: &dyn Images,
    image: &str,
) -> Result<Result<Removed, ExecutorError>, SweepError> {
    let Ok(reference) = image.parse::<ImageReference>() else {
        return Ok(Ok(Removed::WasAbsent));
    };
    let removed = images.remove(&reference).await;
    if removed.is_ok() {
        store.forget_pull(host.id, image).await?;
    }
    Ok(removed)
}

/// The image that was pulled by this name, if it is still there under it.
fn found<'a>(record: &PulledImage, present: &'a [Image]) -> Option<&'a Image> {
    let name = key(&record.image)?;
    present
        .iter()
        .find(|image| names(image).any(|other| other == name))
}

fn names(image: &Image) -> impl Iterator<Item = String> {
    let names = image.tags.iter().chain(&image.digests);
    names.filter_map(|name| key(name))
}

/// One spelling for all ways to write a name; with a digest, a tag says nothing more.
fn key(name: &str) -> Option<String> {
    let image: ImageReference = name.parse().ok()?;
    Some(match image.digest() {
        Some(digest) => format!("{}@{digest}", image.repository()),
        None => image.canonical(),
    })
}

/// What is needed on a host.
struct Needs {
    /// Images that jobs want that are not over.
    wanted: HashSet<String>,
    /// Images, by name or id, that containers were made from.
    used: HashSet<String>,
}

impl Needs {
    fn judge(&self, record: &PulledImage, image: &Image, records: &[PulledImage]) -> Pulled {
        let all: Vec<String> = names(image).collect();
        let ours: HashSet<String> = records.iter().filter_map(|it| key(&it.image)).collect();
        let other_tag = |tag: &String| key(tag).is_none_or(|tag| !ours.contains(&tag));
        let need = if all.iter().any(|name| self.used.contains(name)) || self.used_by_id(image) {
            Some(Need::Container)
        } else if all.iter().any(|name| self.wanted.contains(name)) {
            Some(Need::Job)
        } else if image.tags.iter().any(other_tag) {
            Some(Need::OtherName)
        } else {
            None
        };
        // An image of several names is as young as the one that was used last.
        let last_use = records
            .iter()
            .filter(|other| key(&other.image).is_some_and(|name| all.contains(&name)))
            .map(|other| other.used_at)
            .max();
        Pulled {
            image: record.image.clone(),
            size_bytes: image.size_bytes,
            used_at: last_use.unwrap_or(record.used_at),
            need,
        }
    }

    /// Lists name an image by its id once its tag has moved on, in full or by its beginning.
    fn used_by_id(&self, image: &Image) -> bool {
        let bare = |id: &str| id.trim_start_matches("sha256:").to_owned();
        let id = bare(&image.id);
        let is_begin = |used: &String| bare(used).len() >= 12 && id.starts_with(&bare(used));
        self.used.iter().any(is_begin)
    }
}

async fn used(executor: &SharedExecutor) -> Result<HashSet<String>, ExecutorError> {
    let Some(inventory) = executor.inventory() else {
        return Ok(HashSet::new());
    };
    let containers = inventory.containers(Which::All).await?;
    let spelled = |image: String| key(&image).unwrap_or(image);
    Ok(containers
        .into_iter()
        .map(|container| spelled(container.image))
        .collect())
}

/// The images of all jobs that are not over, as they were asked for and as they were found.
async fn wanted(store: &Store) -> Result<HashSet<String>, SweepError> {
    let mut wanted = HashSet::new();
    let mut filter = JobFilter {
        statuses: JobStatus::ALL
            .into_iter()
            .filter(|status| !status.is_final())
            .collect(),
        limit: limits::PAGE,
        ..JobFilter::default()
    };
    loop {
        let jobs = store.jobs(&filter).await?;
        let Some(last) = jobs.last() else {
            return Ok(wanted);
        };
        filter.before = Some(JobCursor {
            created_at: last.created_at,
            id: last.id,
        });
        for job in &jobs {
            let image = &job.spec.image;
            wanted.extend(key(&image.to_string()));
            let digest = job.image_digest.as_deref();
            wanted.extend(digest.map(|digest| format!("{}@{digest}", image.repository())));
        }
    }
}
