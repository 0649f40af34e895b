//! Which database is meant, as Django's users write it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

/// The database of an old installation.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Url),
}

/// The text names no database. It is not repeated: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this names no database: use sqlite:PATH or postgres://USER@HOST/NAME")]
pub struct NoDatabase;

impl Database {
    /// The same database, with a relative path as seen from `folder`.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(folder.join(path)),
            Self::Postgres(url) => Self::Postgres(url),
        }
    }
}

impl FromStr for Database {
    type Err = NoDatabase;

    fn from_str(text: &str) -> Result<Self, NoDatabase> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return if path.is_empty() {
                Err(NoDatabase)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        let url = Url::parse(text).map_err(|_| NoDatabase)?;
        match url.scheme() {
            "postgres" | "postgresql" => Ok(Self::Postgres(url)),
            _ => Err(NoDatabase),
        }
    }
}

impl fmt::Display for Database {
    /// Without password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let host = url.host_str().unwrap_or_default();
                let port = url.port().map(|port| format!(":{port}"));
                let port = port.unwrap_or_default();
                write!(f, "{}://{host}{port}{}", url.scheme(), url.path())
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Database {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_is_named_with_or_without_slashes() {
        let table = [
            ("sqlite:db.sqlite3", "db.sqlite3"),
            ("sqlite:/srv/db.sqlite3", "/srv/db.sqlite3"),
            ("sqlite:///srv/db.sqlite3", "/srv/db.sqlite3"),
            ("sqlite:////srv/db.sqlite3", "//srv/db.sqlite3"),
        ];
        for (text, path) in table {
            assert_eq!(parsed(text), Database::Sqlite(path.into()), "{text}");
        }
    }

    #[test]
    fn a_relative_file_is_looked_for_in_the_callers_folder() {
        let here = |text: &str| parsed(text).seen_from(Path::new("/here"));
        assert_eq!(here("sqlite:a.db"), Database::Sqlite("/here/a.db".into()));
        assert_eq!(here("sqlite:///a.db"), Database::Sqlite("/a.db".into()));
    }

    #[test]
    fn both_words_for_postgresql_are_known_and_no_password_is_shown() {
        for scheme in ["postgres", "postgresql"] {
            let database = parsed(&format!(
                "{scheme}://me:s3same@db:5433/jobs?sslmode=require"
            ));
            assert_eq!(database.to_string(), format!("{scheme}://db:5433/jobs"));
            assert!(!format!("{database:?}").contains("s3same"));
        }
    }

    #[test]
    fn anything_else_is_refused_without_repeating_it() {
        for text in [
            "",
            "sqlite:",
            "sqlite://",
            "mysql://me:s3same@db/jobs",
            "db.sqlite3",
        ] {
            let error = text.parse::<Database>().unwrap_err();
            assert!(!error.to_string().contains("s3same"));
        }
    }
}
