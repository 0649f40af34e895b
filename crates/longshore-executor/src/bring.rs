//! Brings the image that a container needs to a host, as the job and the host allow it.

use longshore_core::fault::Fault;
use longshore_core::host::Host;
use longshore_core::launch::Launch;
use longshore_core::spec::{ImageReference, PullPolicy};

use crate::{ExecutorError, Images, OnProgress, PullRequest};

/// What is to be there, and what may be done for it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The container that needs it.
    pub launch: &'a Launch,
    /// Where.
    pub host: &'a Host,
}

/// An image that is on the host now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its digest, where it has one.
    pub digest: Option<String>,
    /// Whether it was pulled for this to a host that had none of this name: then it is ours to remove.
    pub is_new: bool,
}

/// Makes sure that the image is there. `on_pull` is told before a pull begins.
///
/// # Errors
/// The image is missing and may not be pulled, or the host or the registry fails.
pub async fn bring(
    images: &dyn Images,
    wanted: Wanted<'_>,
    on_pull: impl FnOnce() + Send,
    on_progress: OnProgress,
) -> Result<Brought, ExecutorError> {
    let (spec, image) = (&wanted.launch.spec, &wanted.launch.image);
    let present = images.image(image).await?;
    let is_new = present.is_none();
    if spec.pull != PullPolicy::Always {
        if let Some(present) = present {
            return Ok(Brought {
                digest: digest_of(&present.digests, image),
                is_new: false,
            });
        }
        if let Some(text) = wanted.why_no_pull() {
            return Err(ExecutorError::new(Fault::ImageNotFound, text));
        }
    }
    let request = PullRequest {
        image: image.clone(),
        platform: spec.platform.clone(),
        idle: spec.timeouts.pull_idle.duration(),
        total: spec.timeouts.pull.duration(),
    };
    on_pull();
    let pulled = images.pull(&request, on_progress).await?;
    Ok(Brought {
        digest: digest_of(&pulled.digests, image),
        is_new,
    })
}

impl Wanted<'_> {
    /// Why an image that is missing is not pulled, if so.
    fn why_no_pull(&self) -> Option<String> {
        let (image, host) = (&self.launch.image, self.host);
        if self.launch.spec.pull == PullPolicy::Never {
            return Some(format!(
                "image `{image}` is not on the host and pull is `never`"
            ));
        }
        let text = || {
            format!(
                "image `{image}` not found on host `{}` and auto-pull is disabled for it",
                host.name
            )
        };
        (!host.auto_pull).then(text)
    }
}

/// The digest under the repository of this reference: `name@sha256:…` → `sha256:…`.
pub fn digest_of(digests: &[String], image: &ImageReference) -> Option<String> {
    let mine = digests.iter().find(|digest| {
        digest
            .parse::<ImageReference>()
            .is_ok_and(|other| other.repository() == image.repository())
    });
    mine.and_then(|digest| digest.split_once('@'))
        .map(|(_, digest)| digest.to_owned())
}
