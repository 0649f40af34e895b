//! Writing an image as the archive that `docker load` reads, without any engine.
//!
//! The same files give the same bytes, so the image's id says whether an engine has it already.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file system of an image, as it grows.
pub(crate) struct Layer {
    builder: Builder<File>,
}

impl Layer {
    /// An empty one, kept in a file without a name.
    pub(crate) fn new() -> Result<Self> {
        let file = tempfile::tempfile().context("no room for a temporary file")?;
        Ok(Self {
            builder: Builder::new(file),
        })
    }

    /// The file system in this tar file.
    pub(crate) fn of(tar: &mut File) -> Result<Self> {
        let mut file = tempfile::tempfile().context("no room for a temporary file")?;
        std::io::copy(tar, &mut file)?;
        Ok(Self {
            builder: Builder::new(file),
        })
    }

    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        let mut header = header(EntryType::Directory, mode, 0);
        self.builder
            .append_data(&mut header, path, std::io::empty())?;
        Ok(())
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let mut header = header(EntryType::Regular, mode, content.len() as u64);
        self.builder.append_data(&mut header, path, content)?;
        Ok(())
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.builder.append_link(&mut header, path, target)?;
        Ok(())
    }

    /// Writes the image `name` with this one layer to `archive` and returns the image's id.
    pub(crate) fn save(self, name: &str, archive: &Path) -> Result<String> {
        let mut layer = self.builder.into_inner()?;
        let size = layer.stream_position()?;
        let layer_digest = digest_of(&mut layer)?;
        let config = serde_json::to_vec(&config(&layer_digest))?;
        let id = hex(&Sha256::digest(&config));
        let config_name = format!("{id}.json");
        let manifest =
            json!([{ "Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"] }]);

        // Never half an archive under its final name, also when two processes write it at once.
        let parent = archive.parent().context("an archive lies in a folder")?;
        let mut unfinished = tempfile::NamedTempFile::new_in(parent)?;
        let mut builder = Builder::new(&mut unfinished);
        append(&mut builder, &config_name, &config)?;
        append(
            &mut builder,
            "manifest.json",
            &serde_json::to_vec(&manifest)?,
        )?;
        layer.seek(SeekFrom::Start(0))?;
        let mut layer_header = header(EntryType::Regular, 0o644, size);
        builder.append_data(&mut layer_header, "layer.tar", layer)?;
        builder.into_inner()?.flush()?;
        unfinished.persist(archive)?;
        Ok(format!("sha256:{id}"))
    }
}

fn append(builder: &mut Builder<impl Write>, path: &str, content: &[u8]) -> Result<()> {
    let mut header = header(EntryType::Regular, 0o644, content.len() as u64);
    builder.append_data(&mut header, path, Cursor::new(content))?;
    Ok(())
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn config(layer_digest: &str) -> Value {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": { "Env": [PATH], "Cmd": ["sh"], "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "longshore-testkit" }],
    })
}

fn digest_of(file: &mut File) -> Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_image() {
        let folder = crate::names::temp_dir();
        let id_of = |content: &[u8], file: &str| {
            let mut layer = Layer::new().unwrap();
            layer.folder("etc", 0o755).unwrap();
            layer.file("etc/name", 0o644, content).unwrap();
            layer.save("x:latest", &folder.path().join(file)).unwrap()
        };
        assert_eq!(id_of(b"one", "a"), id_of(b"one", "b"));
        assert_ne!(id_of(b"one", "a"), id_of(b"two", "b"));
        assert!(folder.path().join("a").is_file());
    }
}
