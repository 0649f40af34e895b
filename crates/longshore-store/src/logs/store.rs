//! The store of logs: chunks by attempt and number, and which logs are live.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use longshore_core::{AttemptId, limits};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::task::JoinHandle;
use tokio_rustls::rustls;

use crate::log_place::{BucketUrl, LogPlace};

use super::chunk::Chunk;
use super::error::LogError;
use super::folder;
use super::live::Live;
use super::totals::LogTotals;

/// The logs of a pool's attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogStore {
    objects: Arc<dyn ObjectStore>,
    /// Where the objects are files of this machine; there they must be brought to the disk.
    folder: Option<PathBuf>,
    live: Arc<Mutex<HashMap<AttemptId, Arc<Live>>>>,
    flush_period: Duration,
}

/// A mark that is asked for to see whether a bucket answers.
const PROBE: &str = "probe";

/// What a look at one stored chunk gave.
pub(crate) enum Fetched {
    /// It is there, and readable.
    Chunk(Chunk, Option<String>),
    /// It is what it was when it was last looked at.
    Unchanged,
    /// There is none, or none that can be read.
    Absent,
}

impl LogStore {
    /// Logs wherever they are kept.
    ///
    /// # Errors
    /// The folder cannot be made or used, or the bucket cannot be reached.
    pub(crate) async fn open(place: &LogPlace) -> Result<Self, LogError> {
        match place {
            LogPlace::Folder(folder) => Self::local(folder),
            LogPlace::Bucket(bucket) => Self::in_bucket(bucket).await,
        }
    }

    /// Logs in a bucket that speaks S3, which must answer.
    ///
    /// # Errors
    /// The environment does not say how the bucket is reached, or it cannot be.
    async fn in_bucket(bucket: &BucketUrl) -> Result<Self, LogError> {
        // Whoever comes first chooses; all choices of ours are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let objects = AmazonS3Builder::from_env()
            .with_bucket_name(bucket.bucket())
            .with_retry(RetryConfig {
                retry_timeout: limits::BUCKET_PATIENCE,
                ..RetryConfig::default()
            })
            .build()?;
        let logs = Self {
            flush_period: limits::BUCKET_FLUSH,
            ..Self::new(Arc::new(PrefixStore::new(objects, bucket.prefix())))
        };
        // Whether it is there does not matter.
        logs.has_mark(PROBE).await?;
        Ok(logs)
    }

    /// Logs in a folder of this machine, which is made if it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or used.
    pub fn local(folder: &Path) -> Result<Self, LogError> {
        std::fs::create_dir_all(folder).map_err(LogError::from_io)?;
        let objects = LocalFileSystem::new_with_prefix(folder)?;
        Ok(Self {
            folder: Some(folder.to_owned()),
            ..Self::new(Arc::new(objects))
        })
    }

    /// Logs in any object store.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            folder: None,
            live: Arc::default(),
            flush_period: limits::LOG_FLUSH,
        }
    }

    /// How long a frame may wait before it is stored.
    pub(crate) fn flush_period(&self) -> Duration {
        self.flush_period
    }

    /// Deletes the log of an attempt; nothing happens if there is none.
    ///
    /// # Errors
    /// The object store fails.
    pub async fn delete(&self, attempt: AttemptId) -> Result<(), LogError> {
        for number in self.numbers(attempt, 0).await? {
            self.delete_chunk(attempt, number).await?;
        }
        if let Some(folder) = &self.folder {
            // Left alone when it is gone already, or somebody writes there.
            let _ = std::fs::remove_dir(folder.join(attempt.to_string()));
        }
        Ok(())
    }

    /// Totals of an attempt's log, as far as it is stored.
    ///
    /// # Errors
    /// The object store fails.
    pub async fn totals(&self, attempt: AttemptId) -> Result<LogTotals, LogError> {
        let numbers = self.numbers(attempt, 0).await?;
        for number in numbers.iter().rev() {
            if let Fetched::Chunk(chunk, _) = self.fetch(attempt, *number, None).await? {
                let chunks = numbers.iter().filter(|stored| *stored <= number).count();
                return Ok(LogTotals::after(&chunk, chunks));
            }
        }
        Ok(LogTotals::default())
    }

    /// Numbers of the stored chunks from one on, in order.
    pub(crate) async fn numbers(
        &self,
        attempt: AttemptId,
        from: u64,
    ) -> Result<Vec<u64>, LogError> {
        let folder = ObjectPath::from(attempt.to_string());
        let objects: Vec<_> = self.objects.list(Some(&folder)).try_collect().await?;
        let number = |path: &ObjectPath| folder::number(path.filename()?);
        let mut numbers: Vec<u64> = objects
            .iter()
            .filter_map(|object| number(&object.location))
            .collect();
        numbers.retain(|number| *number >= from);
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a chunk, unless it still has the tag that was given when it was read before.
    pub(crate) async fn fetch(
        &self,
        attempt: AttemptId,
        number: u64,
        tag: Option<String>,
    ) -> Result<Fetched, LogError> {
        let options = GetOptions {
            if_none_match: tag,
            ..GetOptions::default()
        };
        let got = match self.objects.get_opts(&path(attempt, number), options).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(Fetched::Absent),
            Err(object_store::Error::NotModified { .. }) => return Ok(Fetched::Unchanged),
            Err(error) => return Err(error.into()),
        };
        let tag = got.meta.e_tag.clone();
        match Chunk::decode(&got.bytes().await?) {
            Ok(chunk) => Ok(Fetched::Chunk(chunk, tag)),
            Err(error) => {
                tracing::warn!(attempt.id = %attempt, chunk = number, %error, "unreadable log chunk");
                Ok(Fetched::Absent)
            }
        }
    }

    /// Stores a chunk, in the place of an earlier version of it.
    pub(crate) async fn put(
        &self,
        attempt: AttemptId,
        number: u64,
        bytes: Vec<u8>,
    ) -> Result<(), LogError> {
        self.objects
            .put(&path(attempt, number), bytes.into())
            .await?;
        Ok(())
    }

    /// Stores the last chunk of a log and brings it to the disk, and those before it that are not there
    /// yet; says how many chunks the log has.
    pub(crate) async fn complete(
        &self,
        attempt: AttemptId,
        (number, bytes): (u64, Vec<u8>),
        mut unsynced: BTreeSet<u64>,
    ) -> Result<u64, LogError> {
        let Some(folder) = &self.folder else {
            self.put(attempt, number, bytes).await?;
            return Ok(self.numbers(attempt, 0).await?.len() as u64);
        };
        unsynced.remove(&number);
        let folder = folder.join(attempt.to_string());
        // One trip for all of it: whoever waits for the end of the job waits for this.
        let complete = move || folder::complete(&folder, number, &bytes, &unsynced);
        let completed = tokio::task::spawn_blocking(complete).await;
        let completed = completed.map_err(|_| LogError::Closed)?;
        completed.map_err(LogError::from_io)
    }

    /// Deletes a chunk; nothing happens if there is none.
    pub(crate) async fn delete_chunk(
        &self,
        attempt: AttemptId,
        number: u64,
    ) -> Result<(), LogError> {
        match self.objects.delete(&path(attempt, number)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves a mark beside the logs.
    pub(crate) async fn put_mark(&self, mark: &str) -> Result<(), LogError> {
        let bytes = bytes::Bytes::copy_from_slice(mark.as_bytes());
        self.objects.put(&mark_path(mark), bytes.into()).await?;
        Ok(())
    }

    /// Whether somebody left this mark beside the logs.
    pub(crate) async fn has_mark(&self, mark: &str) -> Result<bool, LogError> {
        match self.objects.head(&mark_path(mark)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to bring chunks to the disk, where the objects are files of this machine.
    pub(crate) fn sync(
        &self,
        attempt: AttemptId,
        numbers: BTreeSet<u64>,
    ) -> Option<JoinHandle<Result<(), LogError>>> {
        let folder = self.folder.as_ref()?.join(attempt.to_string());
        let sync = move || folder::sync(&folder, &numbers).map_err(LogError::from_io);
        Some(tokio::task::spawn_blocking(sync))
    }

    /// The live log of an attempt, if this process writes it.
    pub(crate) fn live(&self, attempt: AttemptId) -> Option<Arc<Live>> {
        self.live.lock().ok()?.get(&attempt).cloned()
    }

    /// Makes an attempt's log live; the other one, if it is so already.
    pub(crate) fn enter(&self, attempt: AttemptId, live: &Arc<Live>) -> Result<(), Arc<Live>> {
        let Ok(mut all) = self.live.lock() else {
            return Ok(());
        };
        if let Some(other) = all.get(&attempt) {
            return Err(Arc::clone(other));
        }
        all.insert(attempt, Arc::clone(live));
        Ok(())
    }

    /// Ends the liveness of a log.
    pub(crate) fn leave(&self, attempt: AttemptId) {
        if let Ok(mut all) = self.live.lock() {
            all.remove(&attempt);
        }
    }
}

fn path(attempt: AttemptId, number: u64) -> ObjectPath {
    ObjectPath::from(format!("{attempt}/{}", folder::name(number)))
}

fn mark_path(mark: &str) -> ObjectPath {
    ObjectPath::from(format!("pool-{mark}"))
}
