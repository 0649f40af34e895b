//! Where stores of tests are: a folder each, and with PostgreSQL a database each.

use std::path::Path;

use longshore_store::{Location, Served, Store};
use longshore_testkit::{SharedDatabase, shared_database};
use tempfile::TempDir;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A place for one store, which any number of processes may open: here each is a store of its own.
pub(crate) struct Ground {
    // Dropped first: whoever is still connected is thrown out.
    database: Option<SharedDatabase>,
    folder: TempDir,
}

impl Ground {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            database: (kind == Kind::Postgres).then(shared_database),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The folder of everything that is not in a server's database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn location(&self) -> Location {
        match &self.database {
            None => Location::Folder {
                folder: self.folder().to_owned(),
                logs: None,
            },
            Some(database) => Location::Server(Served {
                database: database.url().parse().unwrap(),
                logs: self.folder().join("logs").into(),
                local: None,
            }),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open_at(&self.location()).await.unwrap()
    }

    /// Whether a server has it.
    pub(crate) fn is_served(&self) -> bool {
        self.database.is_some()
    }

    /// The statement that makes the store one of a format that nobody knows yet: 99.
    pub(crate) fn newer_format(&self) -> &'static str {
        match &self.database {
            None => "PRAGMA user_version = 99",
            Some(_) => "UPDATE longshore_format SET version = 99",
        }
    }

    /// What the server answers to a statement.
    pub(crate) fn ask_server(&self, sql: &str) -> String {
        self.database.as_ref().unwrap().query(sql).unwrap()
    }

    /// Changes the database behind the store's back.
    pub(crate) async fn meddle(&self, sql: &'static str) -> Result<(), String> {
        if let Some(database) = &self.database {
            let said = database.query(sql);
            return said.map(drop).map_err(|error| error.to_string());
        }
        meddle(self.folder(), sql)
            .await
            .map_err(|error| error.to_string())
    }
}

async fn meddle(folder: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("longshore.db"));
    let mut connection = options.connect().await?;
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    connection.close().await
}
