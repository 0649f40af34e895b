//! Where a pool's store is: a folder of this machine, or a database server and what goes with it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::log_place::LogPlace;
use crate::postgres;

/// Where a store is.
#[derive(Clone, Debug)]
pub enum Location {
    /// In a folder of this machine, for all its processes.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Where its logs are, if not in it.
        logs: Option<LogPlace>,
    },
    /// On a database server, for processes of any machine.
    Server(Served),
}

/// A store on a database server.
#[derive(Clone, Debug)]
pub struct Served {
    /// The database.
    pub database: DatabaseUrl,
    /// Where the logs are: a bucket, or a folder that all machines see, under whatever name.
    pub logs: LogPlace,
    /// A folder for what is of this machine alone; without one, workers that die on it are missed
    /// only when their leases pass.
    pub local: Option<PathBuf>,
}

/// The URL of a PostgreSQL database: `postgres://user@host:port/database`.
///
/// Guarantees: what is shown of it has no password.
#[derive(Clone)]
pub struct DatabaseUrl {
    options: Box<PgConnectOptions>,
}

/// A text is not the URL of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a PostgreSQL database, such as postgres://user@host/database: {reason}")]
pub struct DatabaseUrlError {
    reason: String,
}

impl DatabaseUrl {
    /// Whether a text is meant to be one, and not a path.
    pub fn is_meant(text: &str) -> bool {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if !Self::is_meant(text) {
            let reason = "it does not begin with postgres://".to_owned();
            return Err(DatabaseUrlError { reason });
        }
        let options = postgres::options(text).map_err(|error| DatabaseUrlError {
            reason: error.to_string(),
        })?;
        if options.get_database().is_none() {
            let reason = "it names no database".to_owned();
            return Err(DatabaseUrlError { reason });
        }
        Ok(Self {
            options: Box::new(options),
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        let database = self.options.get_database().unwrap_or_default();
        write!(
            f,
            "postgres://{host}:{}/{database}",
            self.options.get_port()
        )
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://me:s3cret@db.example:5433/jobs?sslmode=require"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5433/jobs");
        assert_eq!(format!("{url:?}"), url.to_string());
        let wrong = "postgres://me:s3cret@db.example:port/jobs".parse::<DatabaseUrl>();
        assert!(!wrong.unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused() {
        for text in ["/srv/store", "mysql://host/db", "postgres://host"] {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }
}
