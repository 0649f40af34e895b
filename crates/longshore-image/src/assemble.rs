//! From a manifest to an image in the store, wherever its blobs come from.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::stream::{self, StreamExt, TryStreamExt};
use longshore_core::limits;
use longshore_core::spec::Platform;
use tokio::time::sleep;

use crate::digest::Digest;
use crate::document::{Descriptor, ImageConfig, Manifest};
use crate::error::ImageError;
use crate::platform::is_for;
use crate::progress::{LayerNews, Progress, Step};
use crate::store::{
    Claim, ImageRecord, ImageStore, Ingest, LayerWish, Made, StoredImage, Turn, Wanted,
};
use crate::unpack::Tether;
use crate::waiting::blocking;

/// Where blobs come from: a registry, or an archive.
pub(crate) trait BlobSource: Sync {
    /// Brings a whole blob, and nothing else, into the store.
    fn bring(
        &self,
        blob: &Descriptor,
        ingest: Ingest,
        news: &LayerNews,
    ) -> impl Future<Output = Result<(), ImageError>> + Send;
}

/// Which image is to be assembled.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Everything spelled out.
    pub(crate) name: String,
    pub(crate) platform: Platform,
    /// The bytes of the manifest.
    pub(crate) manifest: Vec<u8>,
    pub(crate) parsed: Manifest,
    pub(crate) index: Option<Digest>,
}

/// Assembles an image: what is there already is taken, everything else is brought and unpacked.
pub(crate) async fn assemble<S: BlobSource>(
    store: &ImageStore,
    source: &S,
    plan: Plan,
    progress: &Progress,
) -> Result<StoredImage, ImageError> {
    let work = Work {
        store,
        source,
        progress,
    };
    let manifest = Digest::of(&plan.manifest);
    let documents = [manifest, plan.parsed.config.digest];
    let blobs = documents
        .into_iter()
        .chain(plan.parsed.layers.iter().map(|layer| layer.digest));
    let mut wanted = Wanted {
        blobs: blobs.collect(),
        ..Wanted::default()
    };
    let documents_held = work.hold(&wanted).await?;
    let config = work.config(&plan).await?;
    let wishes = LayerWish::all(&config.rootfs.diff_ids);
    let names = wishes.iter().flat_map(|wish| [wish.diff_id, wish.chain_id]);
    wanted.layers.extend(names);
    let _all_held = work.hold(&wanted).await?;
    drop(documents_held);
    let layers = work.layers(&plan, &wishes).await?;
    let record = ImageRecord {
        name: plan.name,
        manifest,
        index: plan.index,
        config: plan.parsed.config.digest,
        layers,
    };
    work.on_disk(move |store| {
        store.write_blob(&plan.manifest)?;
        store.name(record)
    })
    .await
}

struct Work<'a, S> {
    store: &'a ImageStore,
    source: &'a S,
    progress: &'a Progress,
}

impl<S: BlobSource> Work<'_, S> {
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ImageStore) -> Result<T, ImageError> + Send + 'static,
    ) -> Result<T, ImageError> {
        let store = self.store.clone();
        blocking(move || work(&store)).await
    }

    async fn hold(&self, wanted: &Wanted) -> Result<crate::store::PullHold, ImageError> {
        let wanted = wanted.clone();
        self.on_disk(move |store| store.hold_for_pull(&wanted))
            .await
    }

    /// Brings the configuration, and looks whether the image is one that can be assembled here.
    async fn config(&self, plan: &Plan) -> Result<ImageConfig, ImageError> {
        let descriptor = &plan.parsed.config;
        let broken = |why: &str| Err(ImageError::malformed(&plan.name, why));
        if descriptor.size > limits::IMAGE_DOCUMENT_BYTES {
            return broken("its configuration is too large");
        }
        self.bring(descriptor, None, &self.progress.layer(0))
            .await?;
        let digest = descriptor.digest;
        let text = self.on_disk(move |store| store.read_blob(&digest)).await?;
        let config = ImageConfig::parse(&text, &digest)?;
        let count = config.rootfs.diff_ids.len();
        if count != plan.parsed.layers.len() {
            return broken("its manifest and its configuration name different numbers of layers");
        }
        if count > limits::IMAGE_LAYERS {
            return broken("it has more layers than can be mounted");
        }
        let offered = config.platform();
        if is_for(&offered, &plan.platform) {
            return Ok(config);
        }
        Err(ImageError::WrongPlatform {
            image: plan.name.clone(),
            wanted: plan.platform.to_string(),
            offered: offered.to_string(),
        })
    }

    /// The names of all layers in the store, from the bottom up.
    async fn layers(&self, plan: &Plan, wishes: &[LayerWish]) -> Result<Vec<Digest>, ImageError> {
        self.progress.begin(&plan.parsed.layers);
        let mut each = Vec::new();
        for (number, (blob, wish)) in plan.parsed.layers.iter().zip(wishes).enumerate() {
            each.push(self.layer(number, blob, *wish));
        }
        let made: Vec<Made> = stream::iter(each)
            .buffered(limits::LAYERS_AT_ONCE)
            .try_collect()
            .await?;
        let wishes = wishes.to_vec();
        self.on_disk(move |store| {
            let mut names = Vec::new();
            for (made, wish) in made.into_iter().zip(wishes) {
                names.push(match made {
                    Made::Ready(name) => name,
                    Made::Waits(waiting) => store.settle_layer(&wish, *waiting, &names)?,
                });
            }
            Ok(names)
        })
        .await
    }

    async fn layer(
        &self,
        number: usize,
        blob: &Descriptor,
        wish: LayerWish,
    ) -> Result<Made, ImageError> {
        let news = self.progress.layer(number);
        if let Some(name) = self.on_disk(move |store| Ok(store.layer(&wish))).await? {
            news.tell_whole(Step::Present);
            return Ok(Made::Ready(name));
        }
        self.bring(blob, Some(wish), &news).await?;
        let made = self.unpack(blob.digest, wish, &news).await?;
        news.tell_whole(Step::Done);
        Ok(made)
    }

    /// Brings a blob that is not there, unless another brings it, or unpacks the layer in it.
    async fn bring(
        &self,
        blob: &Descriptor,
        layer: Option<LayerWish>,
        news: &LayerNews,
    ) -> Result<(), ImageError> {
        let digest = blob.digest;
        let mut seen = 0;
        loop {
            let ask = self.on_disk(move |store| {
                let turn = store.ingest(&digest)?;
                // Blobs of layers go when these are unpacked: it may be done, though its blob is
                // not there.
                match (turn, layer.and_then(|wish| store.layer(&wish))) {
                    (Turn::Mine(ingest), Some(_)) => ingest.abandon().map(|()| Turn::Done),
                    (_, Some(_)) => Ok(Turn::Done),
                    (turn, None) => Ok(turn),
                }
            });
            match ask.await? {
                Turn::Done => return Ok(()),
                Turn::Mine(ingest) => return self.source.bring(blob, ingest, news).await,
                // Only what moves is a sign of life: the other may hang.
                Turn::Others(bytes) if bytes != seen => {
                    seen = bytes;
                    news.tell(Step::Downloading, bytes);
                }
                Turn::Others(_) => {}
            }
            sleep(limits::CLAIM_PERIOD).await;
        }
    }

    async fn unpack(
        &self,
        blob: Digest,
        wish: LayerWish,
        news: &LayerNews,
    ) -> Result<Made, ImageError> {
        news.tell_whole(Step::Unpacking);
        loop {
            match self.on_disk(move |store| store.claim_layer(&wish)).await? {
                Turn::Mine(claim) => return self.unpack_claimed(blob, wish, claim).await,
                Turn::Others(_) => news.sign_of_life(),
                Turn::Done => {
                    if let Some(name) = self.on_disk(move |store| Ok(store.layer(&wish))).await? {
                        return Ok(Made::Ready(name));
                    }
                }
            }
            sleep(limits::CLAIM_PERIOD).await;
        }
    }

    async fn unpack_claimed(
        &self,
        blob: Digest,
        wish: LayerWish,
        claim: Claim,
    ) -> Result<Made, ImageError> {
        let held = HeldTether::default();
        let tether = Arc::clone(&held.0);
        let unpacking = self.on_disk(move |store| {
            let made = store.unpack_layer(&wish, &blob, claim, &tether)?;
            if matches!(made, Made::Ready(_)) {
                store.drop_blob(&blob)?;
            }
            Ok(made)
        });
        let mut unpacking = pin!(unpacking);
        let mut seen = 0;
        loop {
            tokio::select! {
                biased;
                made = &mut unpacking => return made,
                () = sleep(limits::CLAIM_PERIOD) => {}
            }
            let bytes = held.0.bytes.load(Ordering::Relaxed);
            if bytes != seen {
                seen = bytes;
                self.progress.sign_of_life();
            }
        }
    }
}

/// Tells a thread that works for a future when the future is gone.
#[derive(Default)]
struct HeldTether(Arc<Tether>);

impl Drop for HeldTether {
    fn drop(&mut self) {
        self.0.is_given_up.store(true, Ordering::Relaxed);
    }
}
