//! The chunks of one log as files of this machine: named, and brought to its disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const SUFFIX: &str = ".zst";
/// Of a chunk that has not got its name yet.
const ASIDE: &str = "last.new";

/// The name of a chunk.
pub(crate) fn name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}

/// The number of the chunk of this name, if it is one's.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}

/// Brings these chunks to the disk, as far as they are there.
pub(crate) fn sync(folder: &Path, numbers: &BTreeSet<u64>) -> io::Result<()> {
    sync_files(folder, numbers)?;
    File::open(folder)?.sync_all()
}

/// Writes the last chunk and brings it to the disk with these others; says how many there are in all.
pub(crate) fn complete(
    folder: &Path,
    last: u64,
    bytes: &[u8],
    others: &BTreeSet<u64>,
) -> io::Result<u64> {
    fs::create_dir_all(folder)?;
    let aside = folder.join(ASIDE);
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&aside, folder.join(name(last)))?;
    sync(folder, others)?;
    let mut chunks = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        chunks += u64::from(name.to_str().is_some_and(|name| number(name).is_some()));
    }
    Ok(chunks)
}

fn sync_files(folder: &Path, numbers: &BTreeSet<u64>) -> io::Result<()> {
    for number in numbers {
        match File::open(folder.join(name(*number))) {
            Ok(file) => file.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
