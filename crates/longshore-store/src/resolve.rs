//! Which job does a person mean by what was typed?

use longshore_core::JobId;

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::jobs;
use crate::store::Store;

/// Jobs that an ambiguous text is answered with, at most.
const SHOWN: u32 = 10;

/// No single job is meant.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ResolveError {
    /// Nothing fits.
    #[error("no job `{text}`: give an id, the beginning of one, or a name")]
    Unknown {
        /// What was typed.
        text: String,
    },
    /// Several fit.
    #[error("`{text}` fits several jobs: {}", list(jobs))]
    Ambiguous {
        /// What was typed.
        text: String,
        /// Some of them.
        jobs: Vec<JobId>,
    },
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(jobs: &[JobId]) -> String {
    jobs.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Store {
    /// The job that is meant by a full id, an exact name (the newest job that has it), the beginning
    /// of an id or of its last twelve digits, or `-` (the newest of all).
    ///
    /// Guarantees: a name that is also the beginning of an id, such as `b`, means the job that has
    /// it, whatever ids other jobs get.
    ///
    /// # Errors
    /// None or several are meant, or the store cannot be read.
    pub async fn resolve(&self, text: &str) -> Result<JobId, ResolveError> {
        let mut reader = self.readers().acquire().await?;
        let unknown = || ResolveError::Unknown {
            text: text.to_owned(),
        };
        if text == "-" {
            return jobs::newest(&mut reader, None).await?.ok_or_else(unknown);
        }
        if let Ok(id) = text.parse::<JobId>() {
            let job = jobs::get(&mut reader, id).await?;
            return job.map(|job| job.id).ok_or_else(unknown);
        }
        if let Some(job) = jobs::newest(&mut reader, Some(text)).await? {
            return Ok(job);
        }
        let fitting = by_beginning(&mut reader, text).await?;
        match fitting[..] {
            [] => Err(unknown()),
            [job] => Ok(job),
            [_, _, ..] => Err(ResolveError::Ambiguous {
                text: text.to_owned(),
                jobs: fitting,
            }),
        }
    }
}

async fn by_beginning(reader: &mut Connection, text: &str) -> Result<Vec<JobId>, StoreError> {
    let prefix = text.to_ascii_lowercase();
    let is_prefix = |character: char| character.is_ascii_hexdigit() || character == '-';
    if prefix.is_empty() || !prefix.chars().all(is_prefix) {
        return Ok(Vec::new());
    }
    jobs::by_prefix(reader, &prefix, SHOWN).await
}
