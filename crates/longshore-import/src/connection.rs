//! A connection that only reads, and rows as texts: both databases cast every column to text, so that
//! what follows is the same for both.

use std::future::Future;
use std::time::Duration;

use longshore_core::limits::{CONNECT, IMPORT_CALL};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::address::Database;
use crate::error::ImportError;

/// An open database that is not ours.
pub(crate) struct Connection {
    database: Database,
    dialect: Dialect,
}

enum Dialect {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// One row: the columns as they were asked for.
pub(crate) type Texts = Vec<Option<String>>;

impl Connection {
    /// Opens a database so that nothing can be written to it.
    pub(crate) async fn open(database: &Database) -> Result<Self, ImportError> {
        let dialect = match database {
            Database::Sqlite(path) => {
                if !path.is_file() {
                    return Err(ImportError::NoFile { path: path.clone() });
                }
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .read_only(true)
                    .busy_timeout(CONNECT)
                    .disable_statement_logging();
                Dialect::Sqlite(opened(database, options.connect()).await?)
            }
            Database::Postgres(url) => {
                let options = PgConnectOptions::from_url(url)
                    .map(ConnectOptions::disable_statement_logging)
                    .map_err(|source| cannot_open(database, source))?;
                Dialect::Postgres(opened(database, options.connect()).await?)
            }
        };
        let mut connection = Self {
            database: database.clone(),
            dialect,
        };
        connection.forbid_writes().await?;
        Ok(connection)
    }

    /// Which database it is.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Names of a table's columns; none if there is no such table.
    pub(crate) async fn columns_of(&mut self, table: &str) -> Result<Vec<String>, ImportError> {
        let sql = match self.dialect {
            Dialect::Sqlite(_) => format!("SELECT name FROM pragma_table_info({})", quoted(table)),
            Dialect::Postgres(_) => format!(
                "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
                 WHERE table_schema = ANY (current_schemas(false)) AND table_name = {}",
                quoted(table)
            ),
        };
        let rows = self.rows(sql).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Reads rows. Every column of `sql` must be a text.
    pub(crate) async fn rows(&mut self, sql: String) -> Result<Vec<Texts>, ImportError> {
        let reading = async {
            let sql = AssertSqlSafe(sql);
            match &mut self.dialect {
                Dialect::Sqlite(connection) => {
                    let rows = sqlx::query(sql).fetch_all(connection).await?;
                    rows.iter().map(texts).collect()
                }
                Dialect::Postgres(connection) => {
                    let rows = sqlx::query(sql).fetch_all(connection).await?;
                    rows.iter().map(texts).collect()
                }
            }
        };
        let read: Result<Vec<Texts>, sqlx::Error> =
            within(&self.database, IMPORT_CALL, reading).await?;
        read.map_err(|source| ImportError::Read {
            database: self.database.to_string(),
            source,
        })
    }

    /// A file is opened for reading alone; a server is told so.
    async fn forbid_writes(&mut self) -> Result<(), ImportError> {
        match self.dialect {
            Dialect::Sqlite(_) => Ok(()),
            Dialect::Postgres(_) => {
                let sql = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
                self.rows(sql.to_owned()).await.map(drop)
            }
        }
    }
}

/// A text as a literal of SQL.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

async fn opened<T>(
    database: &Database,
    connecting: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, ImportError> {
    let connected = within(database, CONNECT, connecting).await?;
    connected.map_err(|source| cannot_open(database, source))
}

fn cannot_open(database: &Database, source: sqlx::Error) -> ImportError {
    ImportError::Open {
        database: database.to_string(),
        source,
    }
}

async fn within<T>(
    database: &Database,
    limit: Duration,
    call: impl Future<Output = T>,
) -> Result<T, ImportError> {
    tokio::time::timeout(limit, call)
        .await
        .map_err(|_| ImportError::Silent {
            database: database.to_string(),
            limit,
        })
}

/// Texts are read as bytes: one wrong byte in an old log must not end the import.
fn texts<R>(row: &R) -> Result<Texts, sqlx::Error>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    for<'r> Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    (0..row.len())
        .map(|column| {
            let bytes: Option<Vec<u8>> = row.try_get_unchecked(column)?;
            Ok(bytes.map(text))
        })
        .collect()
}
