//! How processes hear of each other's commits through a server: `LISTEN`, on a connection of its own.

use std::sync::Arc;

use longshore_core::limits::{STORE_RECONNECT_FIRST, STORE_RECONNECT_LAST};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::changes::Counter;
use crate::postgres::CHANNEL;

/// Listens until it is dropped, once somebody wants to hear.
pub(crate) struct Listening {
    wanted: Arc<Notify>,
    task: AbortHandle,
}

impl Listening {
    /// Counts the commits of others: those that were not announced with our mark.
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the one who listens, which the store owns"
    )]
    pub(crate) fn start(pool: PgPool, mark: String, counter: Counter) -> Self {
        let wanted = Arc::new(Notify::new());
        let task = tokio::spawn(listen_when_wanted(Arc::clone(&wanted), pool, mark, counter));
        Self {
            wanted,
            task: task.abort_handle(),
        }
    }

    /// Somebody wants to hear.
    pub(crate) fn want(&self) {
        self.wanted.notify_one();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen_when_wanted(wanted: Arc<Notify>, pool: PgPool, mark: String, counter: Counter) {
    wanted.notified().await;
    let mut pause = STORE_RECONNECT_FIRST;
    loop {
        let Err(error) = listen(&pool, &mark, &counter, &mut pause).await;
        tracing::debug!(%error, "changes of others cannot be heard; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(STORE_RECONNECT_LAST);
    }
}

/// Listens until that fails. What was announced while nobody listened is lost, so a connection that
/// is new, or opened again, counts as a change.
async fn listen(
    pool: &PgPool,
    mark: &str,
    counter: &Counter,
    pause: &mut std::time::Duration,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    *pause = STORE_RECONNECT_FIRST;
    counter.bump();
    loop {
        let announced = listener.try_recv().await?;
        if announced.is_none_or(|announced| announced.payload() != mark) {
            counter.bump();
        }
    }
}
