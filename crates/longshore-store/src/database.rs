//! The database behind the statements: SQLite or PostgreSQL, told apart here and nowhere else.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgDatabaseError;
use sqlx::{PgConnection, Postgres, SqliteConnection};

use crate::error::StoreError;
use crate::sqlite_readers::{LentReader, SqliteReaders};
use crate::{postgres, sqlite};

/// One connection.
pub(crate) enum Connection {
    Sqlite(Held<SqliteConnection, LentReader>),
    Postgres(Session),
}

impl From<SqliteConnection> for Connection {
    fn from(connection: SqliteConnection) -> Self {
        Self::Sqlite(Held::Own(connection))
    }
}

impl From<PgConnection> for Connection {
    fn from(connection: PgConnection) -> Self {
        Self::Postgres(Session::new(Held::Own(connection)))
    }
}

impl Connection {
    /// Begins a transaction that may write, once nobody else has one open.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(db) => sqlite::begin(db).await,
            Self::Postgres(session) => {
                let begun = postgres::begin(session.connection()?).await;
                session.heard(begun)
            }
        }
    }

    /// Makes the transaction durable; a server announces it with this mark.
    pub(crate) async fn commit(&mut self, mark: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => self.run("COMMIT").await,
            Self::Postgres(session) => {
                let committed = postgres::commit(session.connection()?, mark).await;
                session.heard(committed).map_err(StoreError::after_commit)
            }
        }
    }

    /// Undoes the transaction, unless the database has done so already.
    pub(crate) async fn roll_back(&mut self) {
        if let Err(error) = self.run("ROLLBACK").await {
            tracing::debug!(%error, "the transaction was already rolled back");
        }
    }

    /// Runs statements that give nothing back.
    pub(crate) async fn run(&mut self, text: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(db) => {
                sqlx::raw_sql(text).execute(&mut **db).await?;
                Ok(())
            }
            Self::Postgres(session) => {
                let run = postgres::run(session.connection()?, text).await;
                session.heard(run)
            }
        }
    }

    /// Whether it leads to a server.
    pub(crate) fn is_served(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// Whether it must not be used again.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(session) => session.is_lost,
        }
    }
}

/// A connection of our own, or one that goes back to its pool when it is dropped.
pub(crate) enum Held<C, L> {
    Own(C),
    Lent(L),
}

impl<C, L: Deref<Target = C>> Deref for Held<C, L> {
    type Target = C;

    fn deref(&self) -> &C {
        match self {
            Self::Own(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }
}

impl<C, L: DerefMut<Target = C>> DerefMut for Held<C, L> {
    fn deref_mut(&mut self) -> &mut C {
        match self {
            Self::Own(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }
}

type Served = Held<PgConnection, PoolConnection<Postgres>>;

/// A connection to a server, which may break, or stay silent for ever.
pub(crate) struct Session {
    held: Served,
    /// Nobody knows what the server still answers on it.
    is_lost: bool,
}

impl Session {
    pub(crate) fn new(held: Served) -> Self {
        let is_lost = false;
        Self { held, is_lost }
    }

    /// The connection, for one question; whatever came of it goes to [`Self::heard`].
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        if self.is_lost {
            return Err(StoreError::unreachable(postgres::lost()));
        }
        // Lost until it has answered: a caller that goes away in between leaves it in disorder.
        self.is_lost = true;
        Ok(&mut self.held)
    }

    /// The answer to the question; a connection that gave none is not used again.
    pub(crate) fn heard<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        self.is_lost = answer.as_ref().is_err_and(postgres::is_loss);
        if self.is_lost
            && let Held::Lent(lent) = &mut self.held
        {
            lent.close_on_drop();
        }
        answer.map_err(StoreError::from)
    }
}

/// One row of a result.
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

/// Connections that only read.
pub(crate) enum Readers {
    Sqlite(Box<SqliteReaders>),
    Postgres(sqlx::PgPool),
}

impl Readers {
    /// A connection to read from; goes back when it is dropped.
    pub(crate) async fn acquire(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            // Large futures, in every reading: kept apart.
            Self::Sqlite(pool) => {
                let lent = Box::pin(pool.acquire()).await?;
                Connection::Sqlite(Held::Lent(lent))
            }
            Self::Postgres(pool) => {
                let lent = Box::pin(pool.acquire()).await;
                let lent = lent.map_err(StoreError::unreachable)?;
                Connection::Postgres(Session::new(Held::Lent(lent)))
            }
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(said) = &error {
            let code = said.code().unwrap_or_default().into_owned();
            return if said.try_downcast_ref::<PgDatabaseError>().is_some() {
                postgres::judge(&code, error)
            } else {
                sqlite::judge(&code, error)
            };
        }
        if postgres::is_loss(&error) {
            return Self::unreachable(error);
        }
        Self::Database {
            source: std::sync::Arc::new(error),
        }
    }
}
