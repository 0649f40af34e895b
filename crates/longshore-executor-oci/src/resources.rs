//! Volumes and images with a pool's label. There are no networks that outlive a container.

use std::collections::{BTreeMap, BTreeSet};

use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::launch::LABEL_POOL;
use longshore_executor::{ExecutorError, Removed, Resource, ResourceKind};
use longshore_image::StoredImage;
use longshore_runtime::{ContainerConfig, MountSource};

use crate::opened::Opened;
use crate::volumes::NamedVolume;
use crate::{image_config, images, tags, volumes};

/// Everything with exactly this pool's label.
pub(crate) fn resources(opened: &Opened, pool: PoolId) -> Result<Vec<Resource>, ExecutorError> {
    let mut all = Vec::new();
    let label = pool.to_string();
    let is_own =
        |labels: &BTreeMap<String, String>| labels.get(LABEL_POOL).is_some_and(|own| *own == label);
    let named = volumes::list(&opened.volumes())?;
    let named = named.into_iter().filter(|volume| is_own(&volume.labels));
    all.extend(named.map(volume));
    all.extend(own_images(opened, &is_own)?);
    // Asked last: what was made since then is missing above and not said to be idle.
    let containers = opened.containers()?;
    let uses = Uses::of(opened, containers.iter().map(|(config, _)| config));
    let own = containers
        .iter()
        .map(|(config, _)| config)
        .filter(|config| tags::pool_of(config) == Some(pool));
    let fresh: Vec<Resource> = own.flat_map(fresh_volumes).collect();
    for resource in &mut all {
        resource.in_use = match resource.kind {
            ResourceKind::Volume => uses.volumes.contains(&resource.id),
            ResourceKind::Image => containers
                .iter()
                .any(|(_, tags)| tags.image_id == resource.id),
            ResourceKind::Network => false,
        };
    }
    all.extend(fresh);
    Ok(all)
}

/// Removes one unless a container uses it.
pub(crate) fn remove(opened: &Opened, resource: &Resource) -> Result<Removed, ExecutorError> {
    let Resource { kind, id, .. } = resource;
    match kind {
        ResourceKind::Network => Ok(Removed::WasAbsent),
        ResourceKind::Image => remove_image(opened, id),
        ResourceKind::Volume => {
            let containers = opened.containers()?;
            let uses = Uses::of(opened, containers.iter().map(|(config, _)| config));
            if uses.volumes.contains(id) {
                return Err(used(resource));
            }
            // One without a name goes with its container, and has a slash in its id.
            if id.contains('/') {
                return Ok(Removed::WasAbsent);
            }
            let was_there = volumes::remove(&opened.volumes(), id)?;
            Ok(if was_there {
                Removed::Gone
            } else {
                Removed::WasAbsent
            })
        }
    }
}

/// An image goes with its last name.
fn remove_image(opened: &Opened, id: &str) -> Result<Removed, ExecutorError> {
    let mut removed = Removed::WasAbsent;
    let mut named = images::all(opened)?;
    named.retain(|image| image.to_image().id == id);
    for image in named {
        removed = images::remove(opened, &image)?;
    }
    Ok(removed)
}

fn used(resource: &Resource) -> ExecutorError {
    let Resource { kind, name, .. } = resource;
    let text = format!("cannot remove {kind} {name}: a container uses it");
    ExecutorError::new(Fault::Conflict, text)
}

/// What containers use, running or not.
struct Uses {
    volumes: BTreeSet<String>,
}

impl Uses {
    fn of<'a>(opened: &Opened, containers: impl Iterator<Item = &'a ContainerConfig>) -> Self {
        let folder = opened.volumes();
        let mut volumes = BTreeSet::new();
        for config in containers {
            volumes.extend(fresh_volumes(config).map(|volume| volume.id));
            for mount in &config.mounts {
                if let MountSource::Volume(content) = &mount.source
                    && let Ok(inner) = content.strip_prefix(&folder)
                    && let Some(name) = inner.iter().next()
                {
                    volumes.insert(name.to_string_lossy().into_owned());
                }
            }
        }
        Self { volumes }
    }
}

fn volume(named: NamedVolume) -> Resource {
    Resource {
        kind: ResourceKind::Volume,
        id: named.name.clone(),
        name: named.name,
        in_use: false,
        created_at: named.created_at,
    }
}

/// The volumes without a name of one container.
fn fresh_volumes(config: &ContainerConfig) -> impl Iterator<Item = Resource> {
    config.mounts.iter().filter_map(|mount| {
        let MountSource::Fresh(fresh) = &mount.source else {
            return None;
        };
        let id = format!("{}/{}", config.name, fresh.folder);
        Some(Resource {
            kind: ResourceKind::Volume,
            name: id.clone(),
            id,
            in_use: true,
            created_at: None,
        })
    })
}

/// One of several names stands for an image.
fn own_images(
    opened: &Opened,
    is_own: &dyn Fn(&BTreeMap<String, String>) -> bool,
) -> Result<Vec<Resource>, ExecutorError> {
    let mut seen = BTreeSet::new();
    let mut own = Vec::new();
    for image in images::all(opened)? {
        let labels = image_config::read(&image)?.labels.unwrap_or_default();
        let resource = of_image(&image);
        if is_own(&labels) && seen.insert(resource.id.clone()) {
            own.push(resource);
        }
    }
    Ok(own)
}

fn of_image(image: &StoredImage) -> Resource {
    let image = image.to_image();
    let mut names = image.tags.into_iter().chain(image.digests);
    Resource {
        kind: ResourceKind::Image,
        name: names.next().unwrap_or_else(|| image.id.clone()),
        id: image.id,
        in_use: false,
        created_at: image.created_at,
    }
}
