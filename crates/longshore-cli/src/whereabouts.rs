//! Where the store and its logs are, by what was typed and by the environment.

use std::path::{Path, PathBuf};

use longshore_store::{DatabaseUrl, Location, LogPlace, Served};

use crate::surroundings::Surroundings;

/// What was typed names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Nowhere {
    text: String,
    hint: &'static str,
}

impl Nowhere {
    fn new(text: impl Into<String>, hint: &'static str) -> Self {
        Self {
            text: text.into(),
            hint,
        }
    }

    /// What to type next.
    pub(crate) fn hint(&self) -> &'static str {
        self.hint
    }
}

/// Names this boot of this machine, also where several machines share a home.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Where the store is.
pub(crate) fn locate(
    around: &Surroundings,
    store: Option<&Path>,
    logs: Option<&Path>,
) -> Result<Location, Nowhere> {
    let logs = logs.map(|logs| log_place(around, logs)).transpose()?;
    let text = store.and_then(Path::to_str).unwrap_or_default();
    if DatabaseUrl::is_meant(text) {
        return served(around, text, logs);
    }
    if text.contains("://") {
        return Err(Nowhere::new(
            "unknown kind of store",
            "name a folder, or postgres://USER@HOST/DATABASE",
        ));
    }
    let folder = around.store_folder(store).ok_or_else(|| {
        Nowhere::new(
            "no folder for the store: HOME is not set",
            "name one by --store DIR or LONGSHORE_STORE",
        )
    })?;
    Ok(Location::Folder { folder, logs })
}

fn served(around: &Surroundings, text: &str, logs: Option<LogPlace>) -> Result<Location, Nowhere> {
    let database: DatabaseUrl = text.parse().map_err(|error| {
        Nowhere::new(
            format!("the store: {error}"),
            "see --store or LONGSHORE_STORE",
        )
    })?;
    let logs = logs.ok_or_else(|| {
        Nowhere::new(
            "PostgreSQL keeps jobs, but not their logs: no place is named for them",
            "name one that all machines of the pool share, a folder or s3://BUCKET/PREFIX, by --logs \
             or LONGSHORE_LOGS",
        )
    })?;
    Ok(Location::Server(Served {
        database,
        logs,
        local: local_folder(around),
    }))
}

/// A folder of this machine alone.
fn local_folder(around: &Surroundings) -> Option<PathBuf> {
    let boot = std::fs::read_to_string(BOOT_ID).ok()?;
    let home = around.store_folder(None)?;
    Some(home.join("machines").join(boot.trim()))
}

fn log_place(around: &Surroundings, given: &Path) -> Result<LogPlace, Nowhere> {
    const HINT: &str = "name one by --logs DIR, file:///DIR or s3://BUCKET/PREFIX";
    let text = given.to_str().unwrap_or_default();
    match text.split_once("://") {
        None => Ok(around.path(given).into()),
        Some(("file", path)) if path.starts_with('/') => Ok(LogPlace::Folder(path.into())),
        Some(("s3", _)) => match text.parse() {
            Ok(bucket) => Ok(LogPlace::Bucket(bucket)),
            Err(error) => Err(Nowhere::new(format!("the logs: {error}"), HINT)),
        },
        Some(_) => Err(Nowhere::new(
            "logs can only be kept in a folder or in a bucket",
            HINT,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            variables: [("HOME".to_owned(), "/home/me".to_owned())].into(),
            folder: "/here".into(),
        }
    }

    fn located(store: &str, logs: Option<&str>) -> Result<Location, Nowhere> {
        locate(&around(), Some(store.as_ref()), logs.map(Path::new))
    }

    #[test]
    fn a_path_is_a_folder_with_its_logs_where_they_were_named() {
        let Ok(Location::Folder { folder, logs }) = located("s", Some("file:///big/logs")) else {
            panic!("a folder");
        };
        assert_eq!(folder, Path::new("/here/s"));
        assert_eq!(logs, Some(Path::new("/big/logs").into()));
    }

    #[test]
    fn a_database_needs_logs_that_all_machines_see() {
        let url = "postgres://me:secret@db/jobs";
        let refused = located(url, None).unwrap_err();
        assert!(refused.hint().contains("by --logs"), "{refused:?}");
        let Ok(Location::Server(served)) = located(url, Some("logs")) else {
            panic!("a server");
        };
        assert_eq!(served.logs, Path::new("/here/logs").into());
        assert!(
            served
                .local
                .unwrap()
                .starts_with("/home/me/.local/share/longshore")
        );
    }

    #[test]
    fn other_kinds_are_refused_and_no_folder_is_made_for_them() {
        assert!(located("mysql://me:secret@db/jobs", None).is_err());
        assert!(located("s", Some("gs://bucket/logs")).is_err());
        assert!(located("s", Some("s3://key:secret@bucket/logs")).is_err());
    }

    #[test]
    fn logs_may_be_in_a_bucket() {
        let Ok(Location::Server(served)) = located("postgres://db/jobs", Some("s3://bucket/logs"))
        else {
            panic!("a server");
        };
        assert_eq!(served.logs.to_string(), "s3://bucket/logs");
    }
}
