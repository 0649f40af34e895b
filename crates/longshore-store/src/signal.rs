//! Tells of changes, and hears of them: by the bell of a folder, or by a server's announcements.
//!
//! Should one be lost, the database's own version number is looked at every now and then.

use std::sync::{Arc, Weak};

use longshore_core::limits::FOLLOW_PERIOD;
use sqlx::{PgPool, SqliteConnection};

use crate::bell::Bell;
use crate::changes::{Changes, Counter};
use crate::error::StoreError;
use crate::listening::Listening;
use crate::{postgres, sqlite};

/// How processes hear of each other.
pub(crate) enum Channel {
    Bell(Bell),
    Server(Listening),
}

/// Tells of commits and hears of them.
pub(crate) struct Signal {
    counter: Counter,
    channel: Channel,
}

/// Where a number is read that changes with every commit.
pub(crate) enum Versions {
    Sqlite(SqliteConnection),
    Postgres(PgPool),
}

impl Versions {
    async fn look(&mut self) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(connection) => sqlite::version_seen(connection).await,
            Self::Postgres(pool) => postgres::version_seen(pool).await,
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(connection) => sqlite::close(connection).await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Signal {
    /// Listens to the channel, and looks at the version now and then.
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the signal that it serves"
    )]
    pub(crate) fn new(counter: Counter, channel: Channel, versions: Versions) -> Arc<Self> {
        let signal = Arc::new(Self { counter, channel });
        tokio::spawn(look(Arc::downgrade(&signal), versions));
        signal
    }

    /// A view that starts now.
    pub(crate) fn changes(&self) -> Changes {
        let view = self.counter.view();
        if let Channel::Server(listening) = &self.channel {
            listening.want();
        }
        view
    }

    /// Tells everybody, others first: who hears this store's mark may then rely on being told.
    pub(crate) fn committed(&self) {
        match &self.channel {
            Channel::Bell(bell) => bell.ring(),
            // The server announces a commit with the commit.
            Channel::Server(_) => {}
        }
        self.counter.bump();
    }
}

/// The fallback: asks the database for its version while anybody listens.
async fn look(signal: Weak<Signal>, mut versions: Versions) {
    let mut seen = None;
    loop {
        tokio::time::sleep(FOLLOW_PERIOD).await;
        let Some(signal) = signal.upgrade() else {
            break;
        };
        let counter = signal.counter.clone();
        drop(signal);
        if !counter.is_viewed() {
            seen = None;
            continue;
        }
        // A database that cannot be asked has nothing new for anybody; after that it may have.
        let Ok(version) = versions.look().await else {
            seen = None;
            continue;
        };
        if seen != Some(version) {
            counter.bump();
        }
        seen = Some(version);
    }
    versions.close().await;
}
