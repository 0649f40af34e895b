//! Plain, gzip or zstd: told by the first bytes, since media types are not always right.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const BZIP2: &[u8] = b"BZh";
const BUFFER: usize = 128 * 1024;

type Whole<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

/// The bytes of a layer, not compressed.
pub(crate) enum Decompressed<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<Whole<R>>>),
    Zstd(zstd::Decoder<'static, Whole<R>>),
}

/// Reads as much as tells the form.
///
/// # Errors
/// Forms that images do not have, and what the source says.
pub(crate) fn decompress<R: Read>(mut source: R) -> io::Result<Decompressed<R>> {
    let mut head = Vec::new();
    source
        .by_ref()
        .take(XZ.len() as u64)
        .read_to_end(&mut head)?;
    if head.starts_with(XZ) || head.starts_with(BZIP2) {
        let why = "layers are plain, gzip or zstd, not xz or bzip2";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let (gzip, zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(source));
    if gzip {
        return Ok(Decompressed::Gzip(Box::new(MultiGzDecoder::new(whole))));
    }
    if zstd {
        return Ok(Decompressed::Zstd(zstd::Decoder::with_buffer(whole)?));
    }
    Ok(Decompressed::Plain(whole))
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
            Self::Zstd(source) => source.read(buffer),
        }
    }
}
