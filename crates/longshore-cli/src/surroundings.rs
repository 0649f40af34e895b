//! The caller's surroundings: environment, current folder, where the store is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the outside gives to a command line.
pub(crate) struct Surroundings {
    /// The caller's environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// The folder that paths of flags are relative to.
    pub(crate) folder: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self { variables, folder }
    }

    /// One variable of the caller, unless empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A path as seen from the folder.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The folder of the store: as given, or where data of users belongs; `None` without a home.
    pub(crate) fn store_folder(&self, given: Option<&Path>) -> Option<PathBuf> {
        let absolute = |name: &str| {
            self.variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        if let Some(folder) = given {
            return Some(self.path(folder));
        }
        absolute("XDG_DATA_HOME")
            .map(|folder| folder.join("longshore"))
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share/longshore")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_where_data_of_users_belongs() {
        let around = |variables: &[(&str, &str)]| {
            let variables = variables
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect();
            Surroundings {
                variables,
                folder: "/here".into(),
            }
            .store_folder(None)
        };
        let both = [("XDG_DATA_HOME", "/data"), ("HOME", "/home/me")];
        assert_eq!(around(&both), Some("/data/longshore".into()));
        assert_eq!(
            around(&both[1..]),
            Some("/home/me/.local/share/longshore".into())
        );
        assert_eq!(around(&[("XDG_DATA_HOME", "data")]), None);
    }

    #[test]
    fn a_relative_store_is_below_the_callers_folder() {
        let around = Surroundings {
            variables: BTreeMap::new(),
            folder: "/here".into(),
        };
        assert_eq!(
            around.store_folder(Some("s".as_ref())),
            Some("/here/s".into())
        );
    }
}
