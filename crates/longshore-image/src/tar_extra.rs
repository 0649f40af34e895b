//! What stands before or behind a tar header: long names, PAX records, the map of a sparse file.

use std::io;

use longshore_core::limits;
use tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header};

const XATTR: &[u8] = b"SCHILY.xattr.";
const PAX_SPARSE: &[u8] = b"GNU.sparse.";

/// A moment: seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

/// Fields that replace those of the header behind them.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Moment>,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Extra {
    /// Is a member of this type only about the next one?
    pub(crate) fn takes(kind: EntryType) -> bool {
        kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions()
    }

    /// Takes the text of such a member.
    pub(crate) fn take(&mut self, kind: EntryType, text: Vec<u8>) -> io::Result<()> {
        if kind.is_gnu_longname() {
            self.path = Some(until_nul(text));
            return Ok(());
        }
        if kind.is_gnu_longlink() {
            self.link = Some(until_nul(text));
            return Ok(());
        }
        let mut rest = &text[..];
        while !rest.is_empty() {
            let (key, value, behind) = record(rest)?;
            self.set(key, value)?;
            rest = behind;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        // An empty value takes back what was said.
        let text = Some(value.to_vec()).filter(|value| !value.is_empty());
        match key {
            b"path" => self.path = text,
            b"linkpath" => self.link = text,
            b"size" => self.size = number(value)?,
            b"uid" => self.uid = number(value)?,
            b"gid" => self.gid = number(value)?,
            b"mtime" => self.mtime = moment(value)?,
            _ if key.starts_with(PAX_SPARSE) => {
                return Err(invalid("sparse files in PAX form are not known here"));
            }
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    text.truncate(end);
    text
}

/// `LENGTH KEY=VALUE\n`, where the length counts all of it: a value may hold any byte.
fn record(text: &[u8]) -> io::Result<(&[u8], &[u8], &[u8])> {
    let broken = || invalid("a PAX record is broken");
    let blank = text
        .iter()
        .take(20)
        .position(|byte| *byte == b' ')
        .ok_or_else(broken)?;
    let length = number(&text[..blank])?.and_then(|length| usize::try_from(length).ok());
    let length = length
        .filter(|length| (blank + 2..=text.len()).contains(length))
        .ok_or_else(broken)?;
    let body = text[blank + 1..length]
        .strip_suffix(b"\n")
        .ok_or_else(broken)?;
    let equals = body
        .iter()
        .position(|byte| *byte == b'=')
        .ok_or_else(broken)?;
    Ok((&body[..equals], &body[equals + 1..], &text[length..]))
}

fn number(text: &[u8]) -> io::Result<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| invalid("a number of a PAX record is none"))
}

/// `SECONDS[.FRACTION]`, both also below zero.
fn moment(text: &[u8]) -> io::Result<Option<Moment>> {
    if text.is_empty() {
        return Ok(None);
    }
    let broken = || invalid("a time of a PAX record is none");
    let text = str::from_utf8(text).map_err(|_| broken())?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().map_err(|_| broken())?;
    let nanos: String = fraction
        .chars()
        .chain(std::iter::repeat('0'))
        .take(9)
        .collect();
    let nanos: u32 = nanos.parse().map_err(|_| broken())?;
    if whole.starts_with('-') && nanos > 0 {
        let seconds = seconds.checked_sub(1).ok_or_else(broken)?;
        return Ok(Some(Moment {
            seconds,
            nanos: 1_000_000_000 - nanos,
        }));
    }
    Ok(Some(Moment { seconds, nanos }))
}

/// Where the bytes of a file with holes belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SparseMap {
    /// Size with holes.
    pub(crate) size: u64,
    /// Offset and length of each piece, in order.
    pub(crate) pieces: Vec<(u64, u64)>,
}

/// Reads the map of a GNU sparse file whose archive holds `stored` bytes of it.
pub(crate) fn sparse_map(
    header: &Header,
    stored: u64,
    mut next_block: impl FnMut() -> io::Result<[u8; 512]>,
) -> io::Result<SparseMap> {
    let header = header
        .as_gnu()
        .ok_or_else(|| invalid("a sparse file lacks a GNU header"))?;
    let mut map = SparseMap {
        size: header.real_size()?,
        pieces: Vec::new(),
    };
    map.add(&header.sparse)?;
    let mut more = header.is_extended();
    while more {
        let mut block = GnuExtSparseHeader::new();
        block.as_mut_bytes().copy_from_slice(&next_block()?);
        map.add(block.sparse())?;
        more = block.is_extended();
    }
    let total: u64 = map.pieces.iter().map(|(_, length)| length).sum();
    if total == stored {
        return Ok(map);
    }
    Err(invalid("the map of a sparse file does not fit its content"))
}

impl SparseMap {
    fn add(&mut self, pieces: &[GnuSparseHeader]) -> io::Result<()> {
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let (offset, length) = (piece.offset()?, piece.length()?);
            let behind = self
                .pieces
                .last()
                .map_or(0, |(offset, length)| offset + length);
            let end = offset.checked_add(length).filter(|end| *end <= self.size);
            if offset < behind || end.is_none() || self.pieces.len() >= limits::SPARSE_PIECES {
                return Err(invalid("the map of a sparse file is broken"));
            }
            self.pieces.push((offset, length));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &[u8]) -> io::Result<Extra> {
        let mut extra = Extra::default();
        extra
            .take(EntryType::XHeader, text.to_vec())
            .map(|()| extra)
    }

    #[test]
    fn the_length_of_a_record_rules_not_its_line_ends() {
        let extra = taken(b"24 SCHILY.xattr.a=x\ny=1\n9 uid=70\n").unwrap();
        assert_eq!(extra.xattrs, [(b"a".to_vec(), b"x\ny=1".to_vec())]);
        assert_eq!(extra.uid, Some(70));
    }

    #[test]
    fn a_time_may_lie_before_1970_and_between_seconds() {
        let at = |text: &[u8]| moment(text).unwrap().map(|it| (it.seconds, it.nanos));
        assert_eq!(at(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(at(b"-1.25"), Some((-2, 750_000_000)));
        assert_eq!(at(b"-0.25"), Some((-1, 750_000_000)));
        assert_eq!(at(b""), None);
    }

    #[test]
    fn broken_records_are_refused() {
        for text in [
            &b"5 a=b"[..],
            b"99 a=b\n",
            b"4 ab\n",
            b"x a=b\n",
            b"11 uid=abc\n",
            b"0 ",
        ] {
            assert!(taken(text).is_err(), "{:?}", String::from_utf8_lossy(text));
        }
    }
}
