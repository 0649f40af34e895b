//! Who wants to know that the store has changed learns it here, whichever process changed it.

use tokio::sync::watch;

/// A view of the store's changes; see [`Store::changes`](crate::Store::changes).
#[derive(Clone, Debug)]
pub struct Changes {
    count: watch::Receiver<u64>,
}

impl Changes {
    /// Returns soon after any commit by any process that came after this view was made, or after
    /// this method last returned. Several commits may be one return; now and then it returns though
    /// nothing has changed.
    ///
    /// Cancel-safe. Pends for ever once the store is dropped.
    pub async fn changed(&mut self) {
        if self.count.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Counts the changes that were noticed.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    count: watch::Sender<u64>,
}

impl Counter {
    pub(crate) fn new() -> Self {
        Self {
            count: watch::Sender::new(0),
        }
    }

    /// There was a change.
    pub(crate) fn bump(&self) {
        self.count
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A view that starts now.
    pub(crate) fn view(&self) -> Changes {
        Changes {
            count: self.count.subscribe(),
        }
    }

    /// Whether anybody has a view.
    pub(crate) fn is_viewed(&self) -> bool {
        self.count.receiver_count() > 0
    }
}
