//! Bringing a blob from a registry, and going on where it broke off.

use futures::StreamExt;
use longshore_core::limits;
use tokio::time::sleep;

use crate::assemble::BlobSource;
use crate::document::Descriptor;
use crate::error::ImageError;
use crate::progress::{LayerNews, Step};
use crate::refusal::broken_off;
use crate::registry::Registry;
use crate::store::Ingest;
use crate::waiting::blocking;

/// Bytes that go to the disk together.
const BATCH: usize = 1024 * 1024;

impl BlobSource for Registry {
    async fn bring(
        &self,
        blob: &Descriptor,
        ingest: Ingest,
        news: &LayerNews,
    ) -> Result<(), ImageError> {
        let mut fetch = Fetch {
            registry: self,
            blob,
            news,
            ingest: Some(ingest),
        };
        // What an earlier pull has left may be what is wrong.
        let mut is_own = fetch.length() == 0;
        loop {
            fetch.complete().await?;
            match fetch.check().await {
                Err(ImageError::DigestMismatch { .. }) if !is_own => fetch.restart().await?,
                Err(why) => {
                    fetch.restart().await?;
                    return Err(why);
                }
                Ok(()) => return fetch.finish().await,
            }
            is_own = true;
        }
    }
}

struct Fetch<'a> {
    registry: &'a Registry,
    blob: &'a Descriptor,
    news: &'a LayerNews,
    /// Away while the disk has it; gone for good only when that ended badly.
    ingest: Option<Ingest>,
}

impl Fetch<'_> {
    /// Reads until all bytes have come, as often as it takes while each try brings some.
    async fn complete(&mut self) -> Result<(), ImageError> {
        let mut tries_left = limits::BLOB_TRIES;
        let mut pause = limits::RETRY_CALL_FIRST;
        while self.length() != self.blob.size {
            let before = self.length();
            match self.read_on().await {
                Ok(()) => {}
                Err(why @ ImageError::Network { .. }) if self.length() == before => {
                    tries_left = tries_left.checked_sub(1).ok_or(why)?;
                    sleep(pause).await;
                    pause = (pause * 2).min(limits::RETRY_CALL_LAST);
                }
                Err(ImageError::Network { .. }) => {
                    tries_left = limits::BLOB_TRIES;
                    pause = limits::RETRY_CALL_FIRST;
                }
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// One answer of the registry, to its end or to where it breaks off. What has come is kept.
    async fn read_on(&mut self) -> Result<(), ImageError> {
        if self.length() > self.blob.size {
            self.restart().await?;
        }
        let mut part = self.registry.blob(self.blob, self.length()).await?;
        if part.from != self.length() {
            self.restart().await?;
        }
        let mut batch = Vec::with_capacity(BATCH);
        let ended = loop {
            match part.bytes.next().await {
                None => break Ok(()),
                Some(Err(why)) => break Err(broken_off(&self.what(), why)),
                Some(Ok(bytes)) => batch.extend_from_slice(&bytes),
            }
            self.refuse_more_than_named(batch.len())?;
            if batch.len() >= BATCH {
                self.write(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                    .await?;
            }
        };
        self.write(batch).await?;
        ended?;
        if self.length() == self.blob.size {
            return Ok(());
        }
        Err(ImageError::Network {
            what: self.what(),
            said: format!(
                "it ended after {} of {} bytes",
                self.length(),
                self.blob.size
            ),
        })
    }

    fn refuse_more_than_named(&self, waiting: usize) -> Result<(), ImageError> {
        if self.length() + waiting as u64 <= self.blob.size {
            return Ok(());
        }
        let why = format!(
            "the registry sends more than the {} bytes that were named",
            self.blob.size
        );
        Err(ImageError::malformed(self.what(), why))
    }

    async fn write(&mut self, batch: Vec<u8>) -> Result<(), ImageError> {
        self.on_disk(move |ingest| ingest.write(&batch)).await?;
        self.news.tell(Step::Downloading, self.length());
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), ImageError> {
        self.on_disk(Ingest::restart).await
    }

    async fn check(&mut self) -> Result<(), ImageError> {
        self.on_disk(|ingest| ingest.check()).await
    }

    async fn finish(&mut self) -> Result<(), ImageError> {
        let ingest = self.take();
        blocking(|| ingest.finish()).await
    }

    async fn on_disk(
        &mut self,
        work: impl FnOnce(&mut Ingest) -> Result<(), ImageError> + Send + 'static,
    ) -> Result<(), ImageError> {
        let mut ingest = self.take();
        let (ingest, outcome) = blocking(move || {
            let outcome = work(&mut ingest);
            Ok((ingest, outcome))
        })
        .await?;
        self.ingest = Some(ingest);
        outcome
    }

    fn take(&mut self) -> Ingest {
        self.ingest
            .take()
            .expect("what the disk has comes back before the next step")
    }

    fn length(&self) -> u64 {
        self.ingest.as_ref().map_or(0, Ingest::length)
    }

    fn what(&self) -> String {
        format!("the blob {}", self.blob.digest)
    }
}
