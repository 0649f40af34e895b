//! Creating a container, or adopting the one that an earlier call made.

use std::path::Path;

use longshore_core::fault::Fault;
use longshore_core::launch::{Handle, Launch};
use longshore_core::spec::MountKind;
use longshore_executor::ExecutorError;
use longshore_image::StoredImage;
use longshore_runtime::{ContainerConfig, Made, Seccomp, check_profile};

use crate::faults;
use crate::handle::ContainerId;
use crate::merge::Parts;
use crate::networks::network_of;
use crate::opened::Opened;
use crate::refusals::refusals;
use crate::tags::{self, Tags};
use crate::{image_config, volumes};

/// Creates the container of `launch`.
///
/// Guarantees: one that an earlier call made is adopted, if it is of this pool and attempt; the layers
/// of its image stay as long as it is there.
pub(crate) fn create(opened: &Opened, launch: &Launch) -> Result<Handle, ExecutorError> {
    let name = launch.container_name();
    if let Some((config, tags)) = opened.container(&name)? {
        return if_ours(launch, &config, &tags);
    }
    opened.check_program()?;
    let tried = format!("create container {name} from {}", launch.image);
    refuse(opened, launch, &tried)?;
    let image = image_of(opened, launch, &tried)?;
    let config = config_of(opened, launch, &image)?;
    report_unknown_calls(&config);
    volumes::make(&opened.volumes(), &launch.spec.volumes)?;
    let _lock = opened.while_holding()?;
    let held = opened.images.hold(&name, &image);
    held.map_err(|why| faults::of_images(&tried, why))?;
    match opened.runtime.create(&config) {
        Ok(Made::New) => Tags::of(&config)
            .map(|tags| tags.id.handle())
            .ok_or_else(|| ExecutorError::new(Fault::Internal, tried)),
        // Another call was faster: the hold is its container's.
        Ok(Made::Existed) => adopt(opened, launch, &tried),
        Err(why) => {
            let _ = opened.images.release(&name);
            Err(faults::of_runtime(&tried, why))
        }
    }
}

/// Docker passes over such names without a word.
fn report_unknown_calls(config: &ContainerConfig) {
    let Seccomp::Profile(profile) = &config.seccomp else {
        return;
    };
    let unknown = check_profile(profile).unwrap_or_default();
    if !unknown.is_empty() {
        tracing::warn!(
            container.name = config.name,
            "the seccomp profile permits system calls that are not known here and stay forbidden: {}",
            unknown.join(", ")
        );
    }
}

fn adopt(opened: &Opened, launch: &Launch, tried: &str) -> Result<Handle, ExecutorError> {
    match opened.container(&launch.container_name())? {
        Some((config, tags)) => if_ours(launch, &config, &tags),
        None => Err(ExecutorError::new(
            Fault::Conflict,
            format!("cannot {tried}: another one of that name has just gone"),
        )),
    }
}

fn if_ours(
    launch: &Launch,
    config: &ContainerConfig,
    tags: &Tags,
) -> Result<Handle, ExecutorError> {
    let is_ours = tags::pool_of(config) == Some(launch.pool)
        && tags::attempt_of(config) == Some(launch.attempt);
    if is_ours {
        return Ok(tags.id.handle());
    }
    let text = format!(
        "cannot create container {}: the name is held by container {}, which is not of this attempt",
        config.name, tags.id
    );
    Err(ExecutorError::new(Fault::Conflict, text))
}

/// What was not refused at submit, since nobody knew then that it would run here.
fn refuse(opened: &Opened, launch: &Launch, tried: &str) -> Result<(), ExecutorError> {
    let refused = refusals(&launch.spec, &opened.means(), opened.root());
    if !refused.is_empty() {
        let text = format!("cannot {tried}: {}", refused.join("; "));
        return Err(ExecutorError::new(Fault::Unsupported, text));
    }
    let mut binds = launch
        .spec
        .volumes
        .iter()
        .filter(|volume| volume.kind() == MountKind::Bind)
        .filter_map(|volume| volume.source());
    match binds.find(|source| !Path::new(source).exists()) {
        Some(source) => Err(ExecutorError::new(
            Fault::Configuration,
            format!("cannot {tried}: the folder to mount does not exist: {source}"),
        )),
        None => Ok(()),
    }
}

fn image_of(opened: &Opened, launch: &Launch, tried: &str) -> Result<StoredImage, ExecutorError> {
    let platform = launch.spec.platform.as_ref();
    let found = opened.images.find(&launch.image, platform);
    let found = found.map_err(|why| faults::of_images(tried, why))?;
    found.ok_or_else(|| {
        let text = format!("cannot {tried}: the image is not on this host");
        ExecutorError::new(Fault::ImageNotFound, text)
    })
}

fn config_of(
    opened: &Opened,
    launch: &Launch,
    image: &StoredImage,
) -> Result<ContainerConfig, ExecutorError> {
    let tags = Tags {
        id: ContainerId::new(launch.attempt),
        image: launch.image.to_string(),
        image_id: image.to_image().id,
    };
    let parts = Parts {
        launch,
        image: &image_config::read(image)?,
        tags: &tags,
        layers: image.layers().to_vec(),
        like: image.root().map(Path::to_path_buf),
        network: network_of(&launch.spec, &opened.means()),
        volumes: &opened.volumes(),
    };
    parts.merge()
}
