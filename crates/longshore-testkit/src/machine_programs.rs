//! The small image where there is no busybox: programs of this machine, with the libraries that they
//! need. Nothing has to be installed for it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run;
use crate::image_archive::Layer;

/// What the jobs of the demo call.
const PROGRAMS: [&str; 11] = [
    "sh", "cat", "echo", "env", "id", "seq", "sleep", "tail", "touch", "true", "wc",
];

/// Puts the programs into `bin/`, and each library where the linker looks for it.
pub(crate) fn add(layer: &mut Layer) -> Result<()> {
    let mut libraries = BTreeSet::new();
    for name in PROGRAMS {
        let program = find(name).with_context(|| format!("no `{name}` on this machine"))?;
        layer.file(&format!("bin/{name}"), 0o755, &fs::read(&program)?)?;
        libraries.extend(libraries_of(&program));
    }
    let mut folders = BTreeSet::new();
    for library in libraries {
        add_folders(layer, &library, &mut folders)?;
        let inside = library.to_string_lossy();
        layer.file(inside.trim_start_matches('/'), 0o755, &fs::read(&library)?)?;
    }
    Ok(())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// As the dynamic linker tells them; a static program has none.
fn libraries_of(program: &Path) -> Vec<PathBuf> {
    let told = run(Command::new("ldd").arg(program)).unwrap_or_default();
    told.split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

/// The folders above a file that the layer does not have yet.
fn add_folders(layer: &mut Layer, file: &Path, have: &mut BTreeSet<PathBuf>) -> Result<()> {
    let mut missing: Vec<&Path> = file.ancestors().skip(1).collect();
    missing.retain(|folder| folder.parent().is_some() && !have.contains(*folder));
    for folder in missing.into_iter().rev() {
        let inside = folder.to_string_lossy();
        layer.folder(inside.trim_start_matches('/'), 0o755)?;
        have.insert(folder.to_owned());
    }
    Ok(())
}
