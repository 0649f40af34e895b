//! Submitting jobs: many at once, each once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use longshore_core::array::ArrayPlace;
use longshore_core::dependency::{Dependency, Upstream};
use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::spec::{JobName, JobSpec};
use longshore_core::{ArrayId, JobId, Timestamp, limits};

use crate::database::Connection;
use crate::dependents;
use crate::error::StoreError;
use crate::rows;
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change;
use crate::rows::jobs::insert::{self, JobRow};
use crate::rows::{arrays, dependencies, labels};
use crate::store::Store;

/// A job to submit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its id, made by the caller.
    pub id: JobId,
    /// What is wished; validated, with all defaults applied.
    pub spec: JobSpec,
    /// Who moves it. One that its caller drives is pending until its caller begins it.
    pub driver: Driver,
    /// Not to be started before this time; means nothing where its caller decides.
    pub not_before: Option<Timestamp>,
    /// What it waits for: jobs and arrays that are there, or come before it in the same call. Means
    /// nothing where its caller decides.
    pub after: Vec<Dependency>,
    /// Which job of which array it is, if it is of one.
    pub array: Option<OfArray>,
}

impl NewJob {
    /// A job that workers move as soon as there is a slot.
    pub fn new(id: JobId, spec: JobSpec) -> Self {
        Self {
            id,
            spec,
            driver: Driver::Engine,
            not_before: None,
            after: Vec::new(),
            array: None,
        }
    }
}

/// Which job of which array one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfArray {
    /// The array, and the job's index in it.
    pub place: ArrayPlace,
    /// The array's name.
    pub name: Option<JobName>,
}

/// What became of a submitted job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job: the new one, or the first one with the same idempotency key.
    pub id: JobId,
    /// Whether it was added by this call.
    pub is_new: bool,
}

impl Store {
    /// Adds jobs, all or none; answers in the same order.
    ///
    /// Guarantees: a job whose id or idempotency key is known already is not added again, and the
    /// answer names the first; what is acknowledged survives a power loss.
    ///
    /// # Errors
    /// More than [`limits::SUBMIT_BATCH`] jobs, one waits for what is not there, or the store is busy,
    /// full or damaged.
    pub async fn submit(
        &self,
        jobs: &[NewJob],
        now: Timestamp,
    ) -> Result<Vec<Submitted>, StoreError> {
        if jobs.len() > limits::SUBMIT_BATCH {
            return Err(StoreError::TooMany {
                count: jobs.len(),
                most: limits::SUBMIT_BATCH,
            });
        }
        let jobs = jobs.to_vec();
        self.write(move |db| Box::pin(async move { add(db, &jobs, now).await }))
            .await
    }
}

pub(crate) async fn add(
    db: &mut Connection,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<Vec<Submitted>, StoreError> {
    let before = upstreams(db, jobs).await?;
    let rows: Vec<JobRow<'_>> = jobs.iter().map(|job| row(job, now)).collect();
    let new = insert::insert(db, &rows).await?;
    let added = || rows.iter().filter(|row| new.contains(&row.id));
    labels::insert(db, added().map(|row| (row.id, row.spec))).await?;
    events::insert_all(db, &added().flat_map(first_events).collect::<Vec<_>>()).await?;
    let mut submitted = Vec::with_capacity(jobs.len());
    for job in jobs {
        let is_new = new.contains(&job.id);
        let id = if is_new {
            job.id
        } else {
            first_of(db, job).await?
        };
        submitted.push(Submitted { id, is_new });
    }
    add_arrays(db, jobs, &new, now).await?;
    wait(db, jobs, &submitted).await?;
    dependents::settle(db, before, now).await?;
    let old = submitted.iter().filter(|answer| !answer.is_new);
    let old: Vec<JobId> = old.map(|answer| answer.id).collect();
    dependents::ended(db, &old, now).await?;
    Ok(submitted)
}

fn row(job: &NewJob, now: Timestamp) -> JobRow<'_> {
    let is_moved = job.driver == Driver::Engine;
    let not_before = job.not_before.filter(|not_before| *not_before > now);
    JobRow {
        id: job.id,
        spec: &job.spec,
        driver: job.driver,
        not_before: not_before.filter(|_| is_moved),
        waits_for: i64::try_from(awaited(job).len()).unwrap_or(i64::MAX),
        array: job.array.as_ref().map(|array| array.place),
        now,
    }
}

/// What a job waits for, each once.
fn awaited(job: &NewJob) -> BTreeSet<Dependency> {
    match job.driver {
        Driver::Engine => job.after.iter().copied().collect(),
        Driver::Service => BTreeSet::new(),
    }
}

async fn add_arrays(
    db: &mut Connection,
    jobs: &[NewJob],
    new: &HashSet<JobId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut arrays: BTreeMap<ArrayId, (Option<&JobName>, usize)> = BTreeMap::new();
    let added = jobs.iter().filter(|job| new.contains(&job.id));
    for array in added.filter_map(|job| job.array.as_ref()) {
        arrays
            .entry(array.place.id)
            .or_insert((array.name.as_ref(), 0))
            .1 += 1;
    }
    for (array, (name, size)) in arrays {
        arrays::insert(db, array, name, size, now).await?;
    }
    Ok(())
}

/// Those that are waited for and were there before: nobody waits for itself, by whatever round.
async fn upstreams(db: &mut Connection, jobs: &[NewJob]) -> Result<Vec<Upstream>, StoreError> {
    let (mut known, mut before) = (HashSet::new(), BTreeSet::new());
    for job in jobs {
        for dependency in awaited(job) {
            let upstream = dependency.upstream;
            let own = job
                .array
                .as_ref()
                .map(|array| Upstream::Array(array.place.id));
            let is_known = known.contains(&upstream) && own != Some(upstream);
            if !is_known && before.insert(upstream) {
                require(db, upstream).await?;
            }
        }
        known.insert(Upstream::Job(job.id));
        known.extend(
            job.array
                .as_ref()
                .map(|array| Upstream::Array(array.place.id)),
        );
    }
    Ok(before.into_iter().collect())
}

async fn require(db: &mut Connection, upstream: Upstream) -> Result<(), StoreError> {
    match upstream {
        Upstream::Job(job) => change::standing(db, job).await.map(|_| ()),
        Upstream::Array(array) if arrays::exists(db, array).await? => Ok(()),
        Upstream::Array(array) => Err(StoreError::not_found("array", array.to_string())),
    }
}

/// Writes what the new jobs wait for. Those that were known by their keys stand for what repeats them.
async fn wait(
    db: &mut Connection,
    jobs: &[NewJob],
    submitted: &[Submitted],
) -> Result<(), StoreError> {
    let mut waits = Vec::new();
    let mut stored: HashMap<Upstream, Upstream> = HashMap::new();
    for (job, answer) in jobs.iter().zip(submitted) {
        if answer.is_new {
            waits.extend(awaited(job).into_iter().map(|dependency| {
                let upstream = dependency.upstream;
                let upstream = stored.get(&upstream).copied().unwrap_or(upstream);
                let dependency = Dependency {
                    upstream,
                    ..dependency
                };
                (answer.id, dependency)
            }));
            continue;
        }
        stored.insert(Upstream::Job(job.id), Upstream::Job(answer.id));
        if let Some(array) = &job.array {
            let first = rows::jobs::get(db, answer.id)
                .await?
                .and_then(|job| job.array);
            let first = first.map_or(array.place.id, |place| place.id);
            let repeated = Upstream::Array(array.place.id);
            stored.entry(repeated).or_insert(Upstream::Array(first));
        }
    }
    waits.sort_unstable();
    waits.dedup();
    dependencies::insert(db, &waits).await
}

fn first_events(row: &JobRow<'_>) -> Vec<NewEvent> {
    let submitted = NewEvent::of_job(row.id, EventKind::Submitted, row.now);
    match (row.driver, row.not_before) {
        (Driver::Engine, None) if row.waits_for > 0 => {
            vec![submitted.with("waits for other jobs")]
        }
        (Driver::Engine, Some(not_before)) => {
            vec![submitted.with(format!("waits until {not_before}"))]
        }
        (Driver::Engine, None) => vec![
            submitted,
            NewEvent::of_job(row.id, EventKind::Queued, row.now),
        ],
        (Driver::Service, _) => vec![submitted],
    }
}

/// The job that was there before this one.
async fn first_of(db: &mut Connection, job: &NewJob) -> Result<JobId, StoreError> {
    let Some(key) = &job.spec.idempotency_key else {
        return Ok(job.id);
    };
    Ok(insert::by_key(db, &key.to_string())
        .await?
        .unwrap_or(job.id))
}
