//! Where the store and its logs are, by what was typed and by the environment.

use std::path::{Path, PathBuf};

use longshore_store::{DatabaseUrl, Location, Served};

use crate::failure::Failure;
use crate::surroundings::Surroundings;

/// Names this boot of this machine, also where several machines share a home.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Where the store is.
pub(crate) fn locate(
    around: &Surroundings,
    store: Option<&Path>,
    logs: Option<&Path>,
) -> Result<Location, Failure> {
    let logs = logs.map(|logs| log_folder(around, logs)).transpose()?;
    let text = store.and_then(Path::to_str).unwrap_or_default();
    if DatabaseUrl::is_meant(text) {
        return served(around, text, logs);
    }
    if text.contains("://") {
        return Err(Failure::usage("unknown kind of store")
            .hint("name a folder, or postgres://USER@HOST/DATABASE"));
    }
    let folder = around.store_folder(store).ok_or_else(|| {
        Failure::usage("no folder for the store: HOME is not set")
            .hint("name one by --store DIR or LONGSHORE_STORE")
    })?;
    Ok(Location::Folder { folder, logs })
}

fn served(around: &Surroundings, text: &str, logs: Option<PathBuf>) -> Result<Location, Failure> {
    let database: DatabaseUrl = text
        .parse()
        .map_err(|error| Failure::usage(format!("the store: {error}")))?;
    let logs = logs.ok_or_else(|| {
        Failure::usage("PostgreSQL keeps jobs, but not their logs: no folder is named for them")
            .hint("name one that all machines of the pool share, by --logs DIR or LONGSHORE_LOGS")
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

fn log_folder(around: &Surroundings, given: &Path) -> Result<PathBuf, Failure> {
    let text = given.to_str().unwrap_or_default();
    match text.split_once("://") {
        None => Ok(around.path(given)),
        Some(("file", path)) if path.starts_with('/') => Ok(path.into()),
        Some(_) => Err(Failure::usage("logs can only be kept in a folder")
            .hint("name one by --logs DIR, or file:///DIR")),
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

    fn located(store: &str, logs: Option<&str>) -> Result<Location, Failure> {
        locate(&around(), Some(store.as_ref()), logs.map(Path::new))
    }

    #[test]
    fn a_path_is_a_folder_with_its_logs_where_they_were_named() {
        let Ok(Location::Folder { folder, logs }) = located("s", Some("file:///big/logs")) else {
            panic!("a folder");
        };
        assert_eq!(folder, Path::new("/here/s"));
        assert_eq!(logs, Some("/big/logs".into()));
    }

    #[test]
    fn a_database_needs_logs_that_all_machines_see() {
        let url = "postgres://me:secret@db/jobs";
        let refused = located(url, None).unwrap_err();
        let lines: Vec<_> = refused.lines().collect();
        assert!(lines.concat().contains("--logs DIR"), "{lines:?}");
        let Ok(Location::Server(served)) = located(url, Some("logs")) else {
            panic!("a server");
        };
        assert_eq!(served.logs, Path::new("/here/logs"));
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
        assert!(located("s", Some("s3://bucket/logs")).is_err());
    }
}
