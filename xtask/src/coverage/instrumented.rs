//! The tests, built so that they count what they run, and run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use longshore_testkit::{EngineAccess, target_dir};
use serde::Deserialize;

use crate::steps::{Stream, cargo, line_of, run_read, run_visible, say};
use crate::tally;

/// Stands between Cargo and rustc, for crates of ours alone: others stay as quick as they are.
/// Counters are atomic, since tests have threads, and can be moved into the profile itself.
const COMPILER: &str = "#!/bin/sh\nexec \"$@\" -C instrument-coverage \
     -C llvm-args=--instrprof-atomic-counter-update-all \
     -C llvm-args=--runtime-counter-relocation\n";

/// All processes of a program count in one file (`%m`) and count there at once (`%c`), so that a
/// killed one has told what it did.
const PROFILE: &str = "%c%m.profraw";

/// The only tests that start the binary.
const STARTS_BINARY: &str = "longshore-e2e";

/// A build of tests with its folder.
#[derive(Debug)]
pub(super) struct Instrumented {
    packages: Vec<String>,
    folder: PathBuf,
}

impl Instrumented {
    /// The tests of `packages`, or of the whole workspace when there are none.
    pub(super) fn new(packages: &[String]) -> Result<Self> {
        let (packages, folder) = (packages.to_vec(), target_dir().join("coverage"));
        let new = Self { packages, folder };
        let compiler = new.compiler();
        if fs::read_to_string(&compiler).is_ok_and(|text| text == COMPILER) {
            return Ok(new);
        }
        // Cargo does not see that a build was made with other flags.
        if new.folder.exists() {
            fs::remove_dir_all(&new.folder)?;
        }
        fs::create_dir_all(&new.folder)?;
        fs::write(&compiler, COMPILER)?;
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?;
        Ok(new)
    }

    /// Builds them and returns all programs that count.
    pub(super) fn build(&self) -> Result<Vec<PathBuf>> {
        say("building the tests with counters");
        let mut objects = Vec::new();
        if let Some(scope) = self.scope_of_binary() {
            run_visible(self.cargo(&["build", "--bins", "--quiet"]).args(scope))?;
            objects.push(self.binary());
        }
        let mut list = self.cargo(&["nextest", "list", "--cargo-quiet"]);
        list.args(self.scope())
            .args(["--list-type", "binaries-only", "--message-format", "json"]);
        let listed = list.stderr(Stdio::inherit()).output()?;
        ensure!(listed.status.success(), "{} failed", line_of(&list));
        let listed: Listed = serde_json::from_slice(&listed.stdout)?;
        objects.extend(listed.programs(&self.folder));
        objects.sort();
        objects.dedup();
        Ok(objects)
    }

    /// Runs them, and fails as they do.
    pub(super) fn test(&self, engine: &EngineAccess) -> Result<()> {
        // Of runs before, and of the build's own programs.
        if self.profile_folder().exists() {
            fs::remove_dir_all(self.profile_folder())?;
        }
        let mut command = self.cargo(&["nextest", "run", "--no-fail-fast", "--cargo-quiet"]);
        command
            .args(self.scope())
            .env("LONGSHORE_BIN", self.binary())
            .env("LONGSHORE_TEST_DOCKER_HOST", engine.docker_host());
        run_read(&mut command, Stream::Stderr, tally::note)
    }

    /// What they counted.
    pub(super) fn profiles(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.profile_folder()).context("no test left a profile")?;
        entries.map(|entry| Ok(entry?.path())).collect()
    }

    fn scope(&self) -> Vec<&str> {
        if self.packages.is_empty() {
            return vec!["--workspace"];
        }
        let named = self.packages.iter();
        named
            .flat_map(|name| ["--package", name.as_str()])
            .collect()
    }

    /// What has to be built for the binary that tests start, unless none does.
    fn scope_of_binary(&self) -> Option<Vec<&str>> {
        if self.packages.is_empty() {
            return Some(self.scope());
        }
        let starts = self.packages.iter().any(|name| name == STARTS_BINARY);
        starts.then(|| vec!["--package", "longshore"])
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command
            .args(["--locked", "--target-dir"])
            .arg(&self.folder)
            .env("RUSTC_WORKSPACE_WRAPPER", self.compiler())
            .env("LLVM_PROFILE_FILE", self.profile_folder().join(PROFILE));
        command
    }

    fn compiler(&self) -> PathBuf {
        self.folder.join("counting-rustc")
    }

    fn binary(&self) -> PathBuf {
        self.folder.join("debug/longshore")
    }

    fn profile_folder(&self) -> PathBuf {
        self.folder.join("profiles")
    }
}

/// What `cargo nextest list` tells of what it built.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    rust_build_meta: BuildMeta,
    rust_binaries: BTreeMap<String, TestBinary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildMeta {
    non_test_binaries: BTreeMap<String, Vec<OtherBinary>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct TestBinary {
    binary_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct OtherBinary {
    /// From the target folder.
    path: PathBuf,
}

impl Listed {
    fn programs(self, folder: &Path) -> Vec<PathBuf> {
        let others = self.rust_build_meta.non_test_binaries.into_values();
        let others = others.flatten().map(|binary| folder.join(binary.path));
        let tests = self.rust_binaries.into_values();
        let tests = tests.map(|binary| binary.binary_path);
        others.chain(tests).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(packages: &[&str]) -> Instrumented {
        Instrumented {
            packages: packages.iter().map(ToString::to_string).collect(),
            folder: PathBuf::from("/f"),
        }
    }

    #[test]
    fn all_tests_need_the_binary() {
        let all = of(&[]);
        assert_eq!(all.scope(), ["--workspace"]);
        assert_eq!(all.scope_of_binary().unwrap(), ["--workspace"]);
    }

    #[test]
    fn of_named_tests_only_those_that_start_the_binary_need_it() {
        let some = of(&["a", "b"]);
        assert_eq!(some.scope(), ["--package", "a", "--package", "b"]);
        assert_eq!(some.scope_of_binary(), None);
        let stories = of(&["a", STARTS_BINARY]);
        assert_eq!(
            stories.scope_of_binary().unwrap(),
            ["--package", "longshore"]
        );
    }

    #[test]
    fn programs_are_found_in_what_nextest_lists() {
        let text = r#"{
            "rust-build-meta": {"target-directory": "/f", "non-test-binaries": {
                "longshore 0.1.0": [{"name": "longshore", "kind": "bin-exe", "path": "debug/longshore"}]
            }},
            "rust-binaries": {"a::b": {"binary-id": "a::b", "binary-path": "/f/debug/deps/b-1"}}
        }"#;
        let listed: Listed = serde_json::from_str(text).unwrap();
        assert_eq!(
            listed.programs(Path::new("/f")),
            [
                Path::new("/f/debug/longshore"),
                Path::new("/f/debug/deps/b-1")
            ]
        );
    }
}
