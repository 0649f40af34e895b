//! What happens to the containers of a pool, as a stream.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_executor::{ExecutorError, HostEvent};

use crate::ground::Ground;

const LOST: &str = "what happens to containers was not taken in time";

/// All events of the pool from now on.
pub(crate) async fn events(
    ground: &Ground,
    pool: PoolId,
) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError> {
    let events = ground.lookout().await?.listen(pool);
    let events = stream::unfold(Some(events), |events| async {
        let mut events = events?;
        match events.recv().await {
            Some(event) => Some((Ok(event), Some(events))),
            None => Some((Err(ExecutorError::new(Fault::Internal, LOST)), None)),
        }
    });
    Ok(events.boxed())
}
