//! Volumes, networks and images on a mock host: those of the knobs, and anonymous volumes.

use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::spec::{ImageReference, MountKind};

use super::container::Container;
use super::world::World;
use crate::{ExecutorError, Removed, Resource, ResourceKind};

/// What carries this pool's label.
pub(super) fn of_pool(world: &World, pool: PoolId) -> Vec<Resource> {
    let own = all(world).filter(|(of, _)| *of == pool);
    own.map(|(_, resource)| resource).collect()
}

/// Takes it away, unless it is used.
pub(super) fn remove(world: &mut World, resource: &Resource) -> Result<Removed, ExecutorError> {
    let is_it = |other: &Resource| other.kind == resource.kind && other.id == resource.id;
    let found = all(world).find(|(_, found)| is_it(found));
    let Some((_, found)) = found else {
        return Ok(Removed::WasAbsent);
    };
    if found.in_use {
        let message = format!("remove {} {}: it is in use", found.kind, found.name);
        return Err(ExecutorError::new(Fault::Conflict, message));
    }
    world.knobs.resources.retain(|(_, known)| !is_it(known));
    Ok(Removed::Gone)
}

fn all(world: &World) -> impl Iterator<Item = (PoolId, Resource)> {
    let left = world.knobs.resources.iter().map(|(pool, resource)| {
        let mut containers = world.containers();
        let in_use = resource.in_use || containers.any(|container| uses(container, resource));
        let resource = resource.clone();
        (*pool, Resource { in_use, ..resource })
    });
    let owned = world
        .containers()
        .filter_map(|container| Some((container.pool()?, container)));
    let anonymous =
        owned.flat_map(|(pool, container)| anonymous_volumes(container).map(move |it| (pool, it)));
    left.chain(anonymous)
}

fn uses(container: &Container, resource: &Resource) -> bool {
    let spec = container.launch.as_ref().map(|launch| &launch.spec);
    let name = resource.name.as_str();
    match resource.kind {
        ResourceKind::Image => {
            let image = name.parse::<ImageReference>();
            image.is_ok_and(|image| image.canonical() == container.image.canonical())
        }
        ResourceKind::Volume => spec.is_some_and(|spec| {
            let mut volumes = spec.volumes.iter();
            volumes.any(|volume| volume.source() == Some(name))
        }),
        ResourceKind::Network => spec.is_some_and(|spec| {
            let mut networks = spec.networks.iter();
            networks.any(|network| network.name() == name)
        }),
    }
}

/// The volumes that come and go with this container.
fn anonymous_volumes(container: &Container) -> impl Iterator<Item = Resource> {
    let spec = container.launch.as_ref().map(|launch| &launch.spec);
    let mounts = spec.map(|spec| spec.volumes.as_slice()).unwrap_or_default();
    let anonymous = mounts
        .iter()
        .filter(|mount| mount.kind() == MountKind::Volume && mount.source().is_none());
    anonymous.enumerate().map(|(number, _)| {
        let id = format!("{}{number:048x}", container.id());
        Resource {
            kind: ResourceKind::Volume,
            name: id.clone(),
            id,
            in_use: true,
            created_at: Some(container.created_at),
        }
    })
}
