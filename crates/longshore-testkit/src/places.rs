//! Where things of this workspace are on disk.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two levels below the workspace")
}

/// The folder for everything that tests build once and keep: `target/testbed`.
pub fn testbed_dir() -> PathBuf {
    target_dir().join("testbed")
}

/// The `longshore` binary: `LONGSHORE_BIN` if set, else the debug build.
///
/// # Panics
/// When there is no such file, with the command that makes it.
pub fn longshore_bin() -> PathBuf {
    let binary = env::var_os("LONGSHORE_BIN")
        .map_or_else(|| target_dir().join("debug/longshore"), PathBuf::from);
    assert!(
        binary.is_file(),
        "no binary at {}: run `cargo build -p longshore` first",
        binary.display()
    );
    binary
}

/// Cargo's target folder.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace_dir().join("target"),
        |given| workspace_dir().join(given),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_our_manifest() {
        let manifest = std::fs::read_to_string(workspace_dir().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }
}
