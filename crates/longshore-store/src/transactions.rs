//! Transactions that write, on the one connection that does: opened again when it was lost.

use sqlx::postgres::PgConnectOptions;

use crate::database::Connection;
use crate::error::StoreError;
use crate::postgres::{self, Patience};

/// Begins transactions, and ends them.
pub(crate) struct Transactions {
    connection: Connection,
    /// Where to connect again; `None` for a database that cannot be lost.
    server: Option<PgConnectOptions>,
    /// Tells our commits from those of others.
    mark: String,
}

impl Transactions {
    pub(crate) fn new(
        connection: Connection,
        server: Option<PgConnectOptions>,
        mark: String,
    ) -> Self {
        Self {
            connection,
            server,
            mark,
        }
    }

    /// Begins a transaction once nobody else has one open. A server that is away is waited for.
    pub(crate) async fn begin(&mut self) -> Result<&mut Connection, StoreError> {
        let Err(error) = self.connection.begin().await else {
            return Ok(&mut self.connection);
        };
        if !self.connection.is_lost() {
            self.connection.roll_back().await;
            return Err(error);
        }
        let Some(server) = &self.server else {
            return Err(error);
        };
        // Nothing but the beginning was said on it: it is said again on another one.
        self.connection = postgres::writer(server, Patience::Some).await?.into();
        self.connection.begin().await?;
        Ok(&mut self.connection)
    }

    /// Makes the transaction durable, or undoes it.
    ///
    /// # Errors
    /// [`StoreError::Unsure`] when nobody can say which of the two.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.commit(&self.mark).await;
        if committed.is_err() {
            self.roll_back().await;
        }
        committed
    }

    /// Undoes the transaction; it may be undone already.
    pub(crate) async fn roll_back(&mut self) {
        self.connection.roll_back().await;
    }
}
