//! The jobs of one submit, with those that they wait for found and their arrays spread.

use std::collections::HashMap;

use jiff::Timestamp;
use longshore_core::array::spread;
use longshore_core::dependency::{Dependency, Upstream};
use longshore_core::policy::Policy;
use longshore_core::spec::JobSpec;
use longshore_core::{ArrayId, JobId};
use longshore_store::{NewJob, OfArray, ResolveError, Store};
use uuid::Uuid;

use crate::draft::Checked;
use crate::failure::Failure;

/// Jobs in the order of their file.
#[derive(Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    /// The last job or array of each name.
    named: HashMap<String, Upstream>,
}

/// One job of the file, or an array.
struct Entry {
    id: Upstream,
    spec: JobSpec,
    after: Vec<Dependency>,
}

impl Batch {
    /// Adds a job, once those are found that it waits for: earlier ones of the file by their names,
    /// others by whatever names a job.
    pub(super) async fn add(
        &mut self,
        store: &Store,
        checked: &mut Checked,
    ) -> Result<(), Failure> {
        let mut after = Vec::new();
        for wanted in checked.spec.after.clone() {
            let upstream = match self.named.get(&wanted.job) {
                Some(upstream) => *upstream,
                None => match store.resolve_upstream(&wanted.job).await {
                    Ok(upstream) => upstream,
                    Err(ResolveError::Store(error)) => return Err(error.into()),
                    Err(error) => {
                        let hint = "name a job that is there, or one before this in the file, as \
                            JOB or JOB:succeeded, JOB:finished, JOB:failed";
                        checked.add("after", format!("{error}; {hint}"));
                        continue;
                    }
                },
            };
            after.push(Dependency {
                upstream,
                condition: wanted.condition,
            });
        }
        let id = match &checked.spec.array {
            None => Upstream::Job(JobId::new(Uuid::now_v7())),
            Some(_) => Upstream::Array(ArrayId::new(Uuid::now_v7())),
        };
        if let Some(name) = &checked.spec.name {
            self.named.insert(name.to_string(), id);
        }
        let spec = checked.spec.clone();
        self.entries.push(Entry { id, spec, after });
        Ok(())
    }

    /// The specs as they were written.
    pub(super) fn specs(&self) -> Vec<JobSpec> {
        self.entries
            .iter()
            .map(|entry| entry.spec.clone())
            .collect()
    }

    /// All jobs, ready to be stored.
    pub(super) fn into_jobs(self, policy: &Policy, not_before: Option<Timestamp>) -> Vec<NewJob> {
        let entries = self.entries.into_iter();
        entries
            .flat_map(|entry| entry.into_jobs(policy, not_before))
            .collect()
    }
}

impl Entry {
    fn into_jobs(mut self, policy: &Policy, not_before: Option<Timestamp>) -> Vec<NewJob> {
        policy.apply_defaults(&mut self.spec);
        let after = self.after;
        let new = |id, spec, array| NewJob {
            not_before,
            after: after.clone(),
            array,
            ..NewJob::new(id, spec)
        };
        match (self.id, self.spec.array.clone()) {
            (Upstream::Array(array), Some(range)) => {
                let name = self.spec.name.clone();
                let jobs = spread(&self.spec, &range, array).into_iter();
                jobs.map(|(place, spec)| {
                    let name = name.clone();
                    let id = JobId::new(Uuid::now_v7());
                    new(id, spec, Some(OfArray { place, name }))
                })
                .collect()
            }
            (Upstream::Job(id), _) => vec![new(id, self.spec, None)],
            (Upstream::Array(_), None) => Vec::new(),
        }
    }
}
