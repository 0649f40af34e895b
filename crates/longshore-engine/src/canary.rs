//! The canary: a container that runs nothing, to see whether a host still makes and starts any.
//!
//! It is made from the smallest image that is there, with a program that no image has. An engine that
//! is well prepares everything and then says that there is no such program; one that is not fails
//! before. No program of anybody is ever run for it.

use longshore_core::fault::Fault;
use longshore_core::image::Image;
use longshore_core::launch::Launch;
use longshore_core::spec::{Command, ImageReference, JobSpec};
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_executor::{ExecutorError, Force, SharedExecutor};
use uuid::Uuid;

/// A program that no image has.
const PROGRAM: &str = "/longshore-canary";

/// Makes, starts and removes one. Where there is no image, a host that answers is believed.
///
/// # Errors
/// What the host failed to do.
pub(crate) async fn send(
    executor: &SharedExecutor,
    host: &str,
    pool: PoolId,
) -> Result<(), ExecutorError> {
    executor.probe().await?;
    let images = match executor.images() {
        Some(images) => images.list().await?,
        None => Vec::new(),
    };
    let Some(image) = smallest(&images) else {
        return Ok(());
    };
    let launch = launch(image, host, pool);
    let handle = executor.create(&launch).await?;
    let started = executor.start(&handle).await;
    // What stays here is swept with the strays.
    let removed = executor.remove(&handle, Force::Kill).await;
    match started {
        Ok(()) => {}
        Err(error) if matches!(error.fault(), Fault::StartRefused(_)) => {}
        Err(error) => return Err(error),
    }
    removed.map(|_| ())
}

fn smallest(images: &[Image]) -> Option<ImageReference> {
    let name = |image: &Image| {
        let mut names = image.tags.iter().chain(&image.digests);
        names.find_map(|name| name.parse().ok())
    };
    let named = images
        .iter()
        .filter_map(|image| Some((image.size_bytes, name(image)?)));
    named.min_by_key(|(size, _)| *size).map(|(_, name)| name)
}

fn launch(image: ImageReference, host: &str, pool: PoolId) -> Launch {
    let spec = JobSpec {
        entrypoint: Some(Command::from(vec![PROGRAM.to_owned()])),
        memory: Some(longshore_core::spec::ByteSize::from_mebibytes(32)),
        init: false,
        ..JobSpec::new(image.clone())
    };
    Launch {
        pool,
        job: JobId::new(Uuid::now_v7()),
        attempt: AttemptId::new(Uuid::now_v7()),
        host: host.to_owned(),
        spec,
        image,
        legacy: None,
    }
}
