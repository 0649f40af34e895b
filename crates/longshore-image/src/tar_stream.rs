//! Reading tar members one by one, as layers and archives have them: ustar, GNU and PAX.
//!
//! Only the fields of a header are left to the `tar` crate. What a hostile archive could abuse is
//! bounded here: the size of long names and attributes, and of the map of a sparse file.

use std::io::{self, Read};

use longshore_core::limits;
use tar::{EntryType, Header};

use crate::tar_extra::{Extra, Moment, SparseMap, invalid, sparse_map};

const BLOCK: u64 = 512;

/// A source whose bytes can be passed over.
pub(crate) trait Skip: Read {
    /// Passes over `count` bytes.
    fn skip(&mut self, count: u64) -> io::Result<()>;
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    Directory,
    Fifo,
    CharDevice,
    BlockDevice,
}

/// One member, with everything that its headers say.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Moment,
    pub(crate) device: (u32, u32),
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Size of the file, with holes.
    pub(crate) size: u64,
    /// The pieces of a file with holes.
    pub(crate) sparse: Option<SparseMap>,
}

/// Members of an archive. Reading from it gives the bytes of the current member.
pub(crate) struct TarStream<R> {
    source: R,
    left: u64,
    padding: u64,
    position: u64,
}

impl<R: Skip> TarStream<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            left: 0,
            padding: 0,
            position: 0,
        }
    }

    /// Where in the archive the next byte lies that will be read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn into_source(self) -> R {
        self.source
    }

    /// The next member; none at the end of the archive.
    ///
    /// # Errors
    /// `InvalidData` when the archive is none, and what the source says.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        let mut extra = Extra::default();
        loop {
            self.finish_member()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let kind = header.entry_type();
            if kind == EntryType::XGlobalHeader {
                self.begin(header.entry_size()?)?;
            } else if Extra::takes(kind) {
                let text = self.small(header.entry_size()?)?;
                extra.take(kind, text)?;
            } else {
                return self.member(&header, extra).map(Some);
            }
        }
    }

    fn member(&mut self, header: &Header, extra: Extra) -> io::Result<Member> {
        let kind = kind_of(header, &extra)?;
        let stored = match kind {
            Kind::File => extra.size.map_or_else(|| header.entry_size(), Ok)?,
            // Whatever a header says, these have no content: Docker reads them like this, too.
            Kind::HardLink
            | Kind::Symlink
            | Kind::Directory
            | Kind::Fifo
            | Kind::CharDevice
            | Kind::BlockDevice => 0,
        };
        let sparse = if header.entry_type() == EntryType::GNUSparse {
            Some(sparse_map(header, stored, || self.block())?)
        } else {
            None
        };
        self.begin(stored)?;
        let ids = (id(extra.uid, header.uid())?, id(extra.gid, header.gid())?);
        Ok(Member {
            path: extra
                .path
                .unwrap_or_else(|| header.path_bytes().into_owned()),
            kind,
            link: extra.link.unwrap_or_else(|| link_of(header)),
            mode: header.mode().unwrap_or(0) & 0o7777,
            uid: ids.0,
            gid: ids.1,
            mtime: extra.mtime.unwrap_or_else(|| mtime_of(header)),
            device: device_of(header),
            xattrs: extra.xattrs,
            size: sparse.as_ref().map_or(stored, |map| map.size),
            sparse,
        })
    }

    fn begin(&mut self, size: u64) -> io::Result<()> {
        if i64::try_from(size).is_err() {
            return Err(invalid("a member is larger than any file can be"));
        }
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
        Ok(())
    }

    fn finish_member(&mut self) -> io::Result<()> {
        let rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        if rest > 0 {
            self.source.skip(rest)?;
        }
        self.position += rest;
        Ok(())
    }

    /// A header whose sum is right; none at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        if !self.fill_or_end(header.as_mut_bytes())? {
            return Ok(None);
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u32 = sum_of(header.as_bytes());
        if header.cksum().is_ok_and(|said| said == sum) {
            return Ok(Some(header));
        }
        Err(invalid("a header's sum is wrong: this is no tar archive"))
    }

    fn block(&mut self) -> io::Result<[u8; 512]> {
        let mut block = [0; 512];
        if self.fill_or_end(&mut block)? {
            return Ok(block);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn fill_or_end(&mut self, block: &mut [u8; 512]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < block.len() {
            match self.source.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        self.position += BLOCK;
        Ok(true)
    }

    fn small(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > limits::LAYER_HEADER_BYTES {
            return Err(invalid("a name or an attribute is too long"));
        }
        self.begin(size)?;
        let mut text = Vec::new();
        self.read_to_end(&mut text)?;
        Ok(text)
    }
}

impl<R: Skip> Read for TarStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        self.position += count as u64;
        Ok(count)
    }
}

/// The field of the sum itself counts as blanks.
fn sum_of(block: &[u8; 512]) -> u32 {
    let blanks = 8 * u32::from(b' ');
    let rest = block[..148].iter().chain(&block[156..]);
    rest.map(|byte| u32::from(*byte)).sum::<u32>() + blanks
}

fn kind_of(header: &Header, extra: &Extra) -> io::Result<Kind> {
    let ends_with_slash = || {
        let path = header.path_bytes();
        extra.path.as_deref().unwrap_or(&path).ends_with(b"/")
    };
    match header.entry_type().as_byte() {
        // Before folders had a type of their own, a slash told them.
        0 | b'0' if ends_with_slash() => Ok(Kind::Directory),
        0 | b'0' | b'7' | b'S' => Ok(Kind::File),
        b'1' => Ok(Kind::HardLink),
        b'2' => Ok(Kind::Symlink),
        b'3' => Ok(Kind::CharDevice),
        b'4' => Ok(Kind::BlockDevice),
        b'5' => Ok(Kind::Directory),
        b'6' => Ok(Kind::Fifo),
        other => Err(invalid(&format!("a member is of unknown type {other:#x}"))),
    }
}

fn link_of(header: &Header) -> Vec<u8> {
    header
        .link_name_bytes()
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}

/// The largest number is none: the system takes it for "leave the owner alone".
fn id(extra: Option<u64>, header: io::Result<u64>) -> io::Result<u32> {
    let id = extra.unwrap_or_else(|| header.unwrap_or(0));
    match u32::try_from(id) {
        Ok(u32::MAX) | Err(_) => Err(invalid(&format!("there can be no owner or group {id}"))),
        Ok(id) => Ok(id),
    }
}

fn mtime_of(header: &Header) -> Moment {
    Moment {
        seconds: header.mtime().map_or(0, u64::cast_signed),
        nanos: 0,
    }
}

fn device_of(header: &Header) -> (u32, u32) {
    let number = |number: io::Result<Option<u32>>| number.ok().flatten().unwrap_or(0);
    (number(header.device_major()), number(header.device_minor()))
}
