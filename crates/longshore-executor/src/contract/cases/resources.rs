//! Volumes, networks and images that a pool left on a host.

use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::launch::Launch;
use longshore_core::spec::NetworkAttachment;
use uuid::Uuid;

use crate::contract::{Fixture, Program};
use crate::{Force, Inventory, Removed, Resource, ResourceKind};

/// An executor without an inventory has left nothing.
fn inventory(fixture: &Fixture) -> Option<&dyn Inventory> {
    fixture.executor.inventory()
}

/// What there can be on such a host.
fn kinds(fixture: &Fixture) -> impl Iterator<Item = ResourceKind> {
    let capabilities = fixture.executor.capabilities();
    ResourceKind::ALL
        .into_iter()
        .filter(move |kind| match kind {
            ResourceKind::Volume => capabilities.volumes,
            ResourceKind::Network => capabilities.networking,
            ResourceKind::Image => true,
        })
}

/// A launch that uses it.
fn using(fixture: &Fixture, resource: &Resource) -> Launch {
    let mut launch = fixture.launch(&Program::ExitWith(0));
    let name = resource.name.as_str();
    match resource.kind {
        ResourceKind::Volume => {
            let mount = format!("{name}:/left").parse().expect("a sound mount");
            launch.spec.volumes.push(mount);
        }
        ResourceKind::Network => {
            let network = NetworkAttachment::new(name, Vec::new()).expect("a sound network");
            launch.spec.networks.push(network);
        }
        ResourceKind::Image => launch.image = name.parse().expect("a sound reference"),
    }
    launch
}

/// Two installations may share a host.
pub async fn what_a_pool_left_is_listed_for_exactly_this_pool(fixture: &Fixture) {
    if inventory(fixture).is_none() {
        return;
    }
    for kind in kinds(fixture) {
        let left = fixture.left(kind).await;
        assert!(!left.in_use, "{kind}");
        assert!(!left.id.is_empty(), "{kind}");
    }
    let neighbour = PoolId::new(Uuid::from_u128(fixture.pool.uuid().as_u128() ^ 1));
    assert_eq!(fixture.resources(neighbour).await, []);
}

/// Not even by a container that has never run.
pub async fn what_a_container_uses_is_not_removed(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    for kind in kinds(fixture) {
        let left = fixture.left(kind).await;
        let handle = fixture.create(&using(fixture, &left)).await;
        let refused = inventory.remove_resource(&left).await;
        assert_eq!(
            refused.expect_err("in use").fault(),
            Fault::Conflict,
            "{kind}"
        );
        let listed = fixture.resources(fixture.pool).await;
        let listed = listed.iter().find(|listed| listed.id == left.id);
        assert!(listed.expect("is still there").in_use, "{kind}");

        fixture.remove(&handle, Force::Never).await;
        let removed = inventory.remove_resource(&left).await;
        assert_eq!(removed.expect("removes it"), Removed::Gone, "{kind}");
    }
}

/// The reply to the first removal may have been lost.
pub async fn what_nothing_uses_is_removed_once(fixture: &Fixture) {
    let Some(inventory) = inventory(fixture) else {
        return;
    };
    for kind in kinds(fixture) {
        let left = fixture.left(kind).await;
        for wanted in [Removed::Gone, Removed::WasAbsent] {
            let removed = inventory.remove_resource(&left).await;
            assert_eq!(removed.expect("removes it"), wanted, "{kind}");
        }
    }
    assert_eq!(fixture.resources(fixture.pool).await, []);
}

/// Should its container ever be taken from it, it is known whose it was.
pub async fn an_anonymous_volume_is_of_its_pool_and_goes_with_its_container(fixture: &Fixture) {
    if inventory(fixture).is_none() {
        return;
    }
    let mut launch = fixture.launch(&Program::ExitWith(0));
    let mount = "type=volume,target=/scratch"
        .parse()
        .expect("a sound mount");
    launch.spec.volumes.push(mount);
    let handle = fixture.create(&launch).await;
    let resources = fixture.resources(fixture.pool).await;
    let found: Vec<_> = resources.iter().map(|it| (it.kind, it.in_use)).collect();
    assert_eq!(found, [(ResourceKind::Volume, true)]);
    fixture.remove(&handle, Force::Never).await;
    assert_eq!(fixture.resources(fixture.pool).await, []);
}
