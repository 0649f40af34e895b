//! Looks at what stands on a host beside our attempts.

use futures::{StreamExt, TryStreamExt, stream};
use longshore_core::PoolId;
use longshore_core::census::{Census, ImageNames};
use longshore_core::launch::LABEL_POOL;
use longshore_core::legacy;
use longshore_core::limits::{FOREIGN_AT_ONCE, FOREIGN_CONTAINERS};
use longshore_executor::{ExecutorError, Inventory, Listed, SharedExecutor, Which};

/// Lists images and containers of a host. What the executor cannot tell counts as nothing.
///
/// # Errors
/// The host does not answer, or not as it should.
pub(crate) async fn take(executor: &SharedExecutor, pool: PoolId) -> Result<Census, ExecutorError> {
    let images = match executor.images() {
        Some(images) => ImageNames::of(&images.list().await?),
        None => ImageNames::default(),
    };
    let census = Census {
        images,
        ..Census::default()
    };
    match executor.inventory() {
        Some(inventory) => count_foreign(inventory, pool, census).await,
        None => Ok(census),
    }
}

async fn count_foreign(
    inventory: &dyn Inventory,
    pool: PoolId,
    census: Census,
) -> Result<Census, ExecutorError> {
    let running = inventory.containers(Which::Running).await?;
    let pool = pool.to_string();
    let foreign = running
        .into_iter()
        .filter(|listed| is_foreign(listed, &pool))
        .take(FOREIGN_CONTAINERS);
    let limits = stream::iter(foreign)
        .map(|listed| async move { inventory.limits(&listed.handle).await })
        .buffer_unordered(FOREIGN_AT_ONCE);
    limits
        .try_fold(census, async |mut census, limits| {
            // One that is gone meanwhile takes nothing.
            if let Some(limits) = limits {
                census.foreign = census.foreign.plus(limits);
                census.foreign_running += 1;
                census.foreign_endless += u32::from(limits.memory_bytes == 0);
            }
            Ok(census)
        })
        .await
}

/// Of no attempt whose share the store counts: another pool's, nobody's, or of a job that its caller
/// drives.
fn is_foreign(listed: &Listed, pool: &str) -> bool {
    let label = |key: &str| listed.labels.get(key).map(String::as_str);
    label(LABEL_POOL) != Some(pool) || label(legacy::LABEL_JOB_ID).is_some()
}
