//! Writing archives member by member, also such as no honest program writes.

use std::io::Write;

use tar::{EntryType, Header};

/// An archive as it grows.
#[derive(Default)]
pub(super) struct Pack(Vec<u8>);

/// A member to be written.
pub(super) struct Draft {
    pub(super) header: Header,
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) pax: Vec<(String, Vec<u8>)>,
}

impl Draft {
    pub(super) fn new(kind: EntryType, path: &str) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        for set in [
            Header::set_uid,
            Header::set_gid,
            Header::set_mtime,
            Header::set_size,
        ] {
            set(&mut header, 0);
        }
        Self {
            header,
            path: path.as_bytes().to_vec(),
            link: Vec::new(),
            content: Vec::new(),
            pax: Vec::new(),
        }
    }

    pub(super) fn file(path: &str, content: &str) -> Self {
        let mut draft = Self::new(EntryType::Regular, path);
        draft.content = content.as_bytes().to_vec();
        draft
    }

    pub(super) fn link(kind: EntryType, path: &str, target: &str) -> Self {
        let mut draft = Self::new(kind, path);
        draft.link = target.as_bytes().to_vec();
        draft
    }

    pub(super) fn device(kind: EntryType, path: &str, (major, minor): (u32, u32)) -> Self {
        let mut draft = Self::new(kind, path);
        draft.header.set_device_major(major).unwrap();
        draft.header.set_device_minor(minor).unwrap();
        draft
    }

    pub(super) fn pax(mut self, key: &str, value: &[u8]) -> Self {
        self.pax.push((key.to_owned(), value.to_vec()));
        self
    }
}

impl Pack {
    /// Of members in order.
    pub(super) fn of(drafts: impl IntoIterator<Item = Draft>) -> Self {
        drafts.into_iter().fold(Self::default(), Self::with)
    }

    pub(super) fn with(mut self, draft: Draft) -> Self {
        let mut header = draft.header;
        if !draft.pax.is_empty() {
            let records = draft
                .pax
                .iter()
                .flat_map(|(key, value)| record(key, value))
                .collect::<Vec<u8>>();
            self = self.extra(EntryType::XHeader, &records);
        }
        if draft.path.len() > 100 {
            self = self.extra(EntryType::GNULongName, &draft.path);
        }
        if draft.link.len() > 100 {
            self = self.extra(EntryType::GNULongLink, &draft.link);
        }
        let fields = header.as_old_mut();
        fill(&mut fields.name, &draft.path);
        fill(&mut fields.linkname, &draft.link);
        if !draft.content.is_empty() {
            header.set_size(draft.content.len() as u64);
        }
        self.raw(header, &draft.content)
    }

    /// The bytes of the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    fn extra(self, kind: EntryType, text: &[u8]) -> Self {
        let mut header = Draft::new(kind, "extra").header;
        header.set_size(text.len() as u64);
        self.raw(header, text)
    }

    pub(super) fn raw(mut self, mut header: Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.write_all(content).unwrap();
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }
}

fn fill(field: &mut [u8; 100], text: &[u8]) {
    field.fill(0);
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend(value);
    record.push(b'\n');
    record
}
