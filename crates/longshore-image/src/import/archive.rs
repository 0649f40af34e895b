//! A folder or a tar archive, whose files are read by name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;

use longshore_core::limits;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::display;
use crate::decompress::{Decompressed, decompress};
use crate::error::{ImageError, Tried};
use crate::tar_stream::{Kind, Skip, TarStream};

/// Links that lead to links.
const LINKS: u32 = 8;

/// Where the files of images lie.
pub(super) struct Archive {
    what: String,
    form: Form,
}

enum Form {
    Folder(File),
    Tar {
        file: File,
        members: HashMap<Vec<u8>, Member>,
    },
}

/// A file in a tar archive.
enum Member {
    Content { at: u64, size: u64 },
    Link(Vec<u8>),
}

/// A part of a file, read without moving the file's own position.
pub(super) struct Part<'a> {
    file: Whole<'a>,
    at: u64,
    left: u64,
}

enum Whole<'a> {
    Own(File),
    Shared(&'a File),
}

impl Archive {
    /// Opens a folder or an archive; one that is compressed is first written, plain, to a file
    /// without a name in `scratch`.
    pub(super) fn open(path: &Path, scratch: &Path) -> Result<Self, ImageError> {
        let what = display(path);
        let file = File::open(path).tried("open", path)?;
        if file.metadata().tried("open", path)?.is_dir() {
            return Ok(Self {
                what,
                form: Form::Folder(file),
            });
        }
        let mut file = match decompress(file).tried("read", path)? {
            Decompressed::Plain(_) => File::open(path).tried("open", path)?,
            packed @ (Decompressed::Gzip(_) | Decompressed::Zstd(_)) => {
                plain_copy(packed, scratch)?
            }
        };
        file.rewind().tried("read", path)?;
        let members = members(&file).map_err(|why| ImageError::malformed(&what, why))?;
        Ok(Self {
            what,
            form: Form::Tar { file, members },
        })
    }

    /// The archive, in the words of a user.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.open_file(path).is_ok()
    }

    /// Opens one of its files.
    pub(super) fn open_file(&self, path: &str) -> Result<Part<'_>, ImageError> {
        let found = match &self.form {
            Form::Folder(folder) => open_below(folder, path),
            Form::Tar { file, members } => find(members, path.as_bytes()).map(|(at, left)| Part {
                file: Whole::Shared(file),
                at,
                left,
            }),
        };
        found.map_err(|why| ImageError::malformed(format!("{path} in {}", self.what), why))
    }

    /// Reads a file that must not be larger than `most`.
    pub(super) fn read_small(&self, path: &str, most: u64) -> Result<Vec<u8>, ImageError> {
        let part = self.open_file(path)?;
        let what = || format!("{path} in {}", self.what);
        if part.left > most {
            return Err(ImageError::malformed(what(), "it is too large"));
        }
        let mut text = Vec::new();
        part.take(most)
            .read_to_end(&mut text)
            .map_err(|why| ImageError::malformed(what(), why))?;
        Ok(text)
    }
}

impl Part<'_> {
    pub(super) fn size(&self) -> u64 {
        self.left
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let file = match &self.file {
            Whole::Own(file) => file,
            Whole::Shared(file) => file,
        };
        let count = file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

fn plain_copy(mut packed: Decompressed<File>, scratch: &Path) -> Result<File, ImageError> {
    let mut plain = tempfile::tempfile_in(scratch).tried("write in", scratch)?;
    let mut bounded = packed.by_ref().take(limits::LAYER_BYTES);
    io::copy(&mut bounded, &mut plain).tried("write in", scratch)?;
    if bounded.limit() == 0 {
        let why = format!("it has more than {} bytes", limits::LAYER_BYTES);
        return Err(ImageError::malformed("the compressed archive", why));
    }
    Ok(plain)
}

/// Links in a folder may lead to others in it, not out of it.
fn open_below(folder: &File, path: &str) -> io::Result<Part<'static>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(rustix::fs::openat2(
        folder,
        path,
        flags,
        Mode::empty(),
        how,
    )?);
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file"));
    }
    Ok(Part {
        file: Whole::Own(file),
        at: 0,
        left: about.len(),
    })
}

/// Skips by moving on.
struct Seekable<'a>(BufReader<&'a File>);

impl Read for Seekable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Skip for Seekable<'_> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let count = i64::try_from(count).map_err(|_| io::ErrorKind::InvalidData)?;
        self.0.seek_relative(count)
    }
}

fn members(file: &File) -> io::Result<HashMap<Vec<u8>, Member>> {
    let mut stream = TarStream::new(Seekable(BufReader::new(file)));
    let mut members = HashMap::new();
    while let Some(found) = stream.next()? {
        let member = match found.kind {
            Kind::File if found.sparse.is_none() => Member::Content {
                at: stream.position(),
                size: found.size,
            },
            Kind::Symlink => Member::Link(beside(&found.path, &found.link)),
            Kind::HardLink => Member::Link(found.link),
            Kind::File | Kind::Directory | Kind::Fifo | Kind::CharDevice | Kind::BlockDevice => {
                continue;
            }
        };
        members.insert(plain_path(&found.path), member);
        if members.len() as u64 > limits::LAYER_ENTRIES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it has too many files",
            ));
        }
    }
    Ok(members)
}

fn find(members: &HashMap<Vec<u8>, Member>, path: &[u8]) -> io::Result<(u64, u64)> {
    let mut path = plain_path(path);
    for _ in 0..LINKS {
        match members.get(&path) {
            Some(Member::Content { at, size }) => return Ok((*at, *size)),
            Some(Member::Link(target)) => path = plain_path(target),
            None => return Err(io::Error::new(io::ErrorKind::NotFound, "it is not there")),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "links lead round in a circle",
    ))
}

/// Where a link in the folder of `path` leads.
fn beside(path: &[u8], target: &[u8]) -> Vec<u8> {
    let folder = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    [&path[..folder], target].concat()
}

/// Only names to look up: nothing on the disk is reached by them.
fn plain_path(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join(&b'/')
}
