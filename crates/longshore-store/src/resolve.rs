//! Which job does a person mean by what was typed?

use longshore_core::dependency::Upstream;
use longshore_core::{ArrayId, JobId};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::{arrays, jobs};
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
    #[error("`{text}` fits several jobs: {}", list(fitting))]
    Ambiguous {
        /// What was typed.
        text: String,
        /// Some of them.
        fitting: Vec<Upstream>,
    },
    /// An array is meant where one job is wanted.
    #[error(
        "`{text}` is an array: name one of its jobs; `longshore jobs --array {text}` lists them"
    )]
    Array {
        /// What was typed.
        text: String,
    },
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(fitting: &[Upstream]) -> String {
    let id = |upstream: &Upstream| match upstream {
        Upstream::Job(job) => job.to_string(),
        Upstream::Array(array) => format!("{array} (an array)"),
    };
    fitting.iter().map(id).collect::<Vec<_>>().join(", ")
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
        match self.resolve_upstream(text).await? {
            Upstream::Job(job) => Ok(job),
            Upstream::Array(_) => Err(ResolveError::Array {
                text: text.to_owned(),
            }),
        }
    }

    /// The job or the array that is meant; of a job and an array of one name, the job.
    ///
    /// # Errors
    /// None or several are meant, or the store cannot be read.
    pub async fn resolve_upstream(&self, text: &str) -> Result<Upstream, ResolveError> {
        let mut reader = self.readers().acquire().await?;
        let unknown = || ResolveError::Unknown {
            text: text.to_owned(),
        };
        if text == "-" {
            let newest = jobs::newest(&mut reader, None).await?;
            return newest.map(Upstream::Job).ok_or_else(unknown);
        }
        if let Ok(id) = text.parse::<Uuid>() {
            return by_id(&mut reader, id).await?.ok_or_else(unknown);
        }
        if let Some(job) = jobs::newest(&mut reader, Some(text)).await? {
            return Ok(Upstream::Job(job));
        }
        if let Some(array) = arrays::newest(&mut reader, text).await? {
            return Ok(Upstream::Array(array));
        }
        let fitting = by_beginning(&mut reader, text).await?;
        match fitting[..] {
            [] => Err(unknown()),
            [only] => Ok(only),
            [_, _, ..] => Err(ResolveError::Ambiguous {
                text: text.to_owned(),
                fitting,
            }),
        }
    }

    /// The jobs of an array that are not deleted, by index.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn jobs_of_array(&self, array: ArrayId) -> Result<Vec<JobId>, StoreError> {
        arrays::jobs(&mut self.readers().acquire().await?, array).await
    }
}

async fn by_id(reader: &mut Connection, id: Uuid) -> Result<Option<Upstream>, StoreError> {
    let (job, array) = (JobId::new(id), ArrayId::new(id));
    if jobs::get(reader, job).await?.is_some() {
        return Ok(Some(Upstream::Job(job)));
    }
    let is_array = arrays::exists(reader, array).await?;
    Ok(is_array.then_some(Upstream::Array(array)))
}

async fn by_beginning(reader: &mut Connection, text: &str) -> Result<Vec<Upstream>, StoreError> {
    let prefix = text.to_ascii_lowercase();
    let is_prefix = |character: char| character.is_ascii_hexdigit() || character == '-';
    if prefix.is_empty() || !prefix.chars().all(is_prefix) {
        return Ok(Vec::new());
    }
    let fitting = jobs::by_prefix(reader, &prefix, SHOWN).await?;
    let mut fitting: Vec<_> = fitting.into_iter().map(Upstream::Job).collect();
    let arrays = arrays::by_prefix(reader, &prefix, SHOWN).await?;
    fitting.extend(arrays.into_iter().map(Upstream::Array));
    Ok(fitting)
}
