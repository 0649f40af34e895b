//! Layers that want to fill the disk or the memory.

use tar::EntryType;

use super::pack::{Draft, Pack};
use super::*;

fn refused(draft: Draft) -> UnpackError {
    Ground::new().unpack(Pack::of([draft])).unwrap_err()
}

#[test]
fn a_sparse_file_of_a_hundred_gigabytes_is_refused() {
    let mut draft = Draft::new(EntryType::GNUSparse, "huge");
    draft.header.as_gnu_mut().unwrap().set_real_size(100 << 30);
    assert!(matches!(refused(draft), UnpackError::TooLarge { .. }));
}

#[test]
fn maps_of_sparse_files_that_lie_are_refused() {
    for (offset, length, real, stored) in [
        (0, 5, 3, 5),
        (10, 5, 12, 5),
        (u64::MAX / 2, 5, 9, 5),
        (1, 4, 9, 5),
        (1, 6, 9, 5),
    ] {
        let mut draft = Draft::new(EntryType::GNUSparse, "lie");
        let gnu = draft.header.as_gnu_mut().unwrap();
        gnu.set_real_size(real);
        gnu.sparse[0].set_offset(offset);
        gnu.sparse[0].set_length(length);
        draft.content = vec![b'x'; stored];
        assert!(
            matches!(refused(draft), UnpackError::Broken(_)),
            "{offset} {length}"
        );
    }
    let pax = Draft::file("new", "x").pax("GNU.sparse.major", b"1");
    assert!(matches!(refused(pax), UnpackError::Broken(_)));
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let limits = UnpackLimits {
        bytes: 1 << 20,
        entries: 10,
    };
    let zeros = vec![0; 8 << 20];
    let mut bytes = Pack::of([Draft {
        content: zeros,
        ..Draft::file("bomb", "")
    }])
    .finish();
    let diff_id = Digest::of(&bytes);
    bytes = zstd::encode_all(&bytes[..], 1).unwrap();
    assert!(bytes.len() < 1 << 16, "it is a bomb");
    let ground = Ground::new();
    let why = ground.unpack_bytes(&bytes, diff_id, limits).unwrap_err();
    assert!(
        matches!(
            why,
            UnpackError::TooLarge {
                what: "bytes in its files",
                ..
            }
        ),
        "{why}"
    );

    let many = (0..11).map(|number| Draft::new(EntryType::Directory, &format!("d{number}")));
    let why = ground.unpack_within(Pack::of(many), limits).unwrap_err();
    assert!(
        matches!(why, UnpackError::TooLarge { what: "files", .. }),
        "{why}"
    );

    let padding = vec![0; 2 << 20];
    let why = ground
        .unpack_bytes(&padding, Digest::of(&padding), limits)
        .unwrap_err();
    assert!(
        matches!(why, UnpackError::TooLarge { what: "bytes", .. }),
        "{why}"
    );
}

#[test]
fn headers_that_would_fill_the_memory_are_refused() {
    for kind in [
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
    ] {
        let mut header = Draft::new(kind, "x").header;
        header.set_size(1 << 40);
        let ground = Ground::new();
        let outcome = ground.unpack(Pack::default().raw(header, b""));
        assert!(matches!(outcome, Err(UnpackError::Broken(_))));
    }
}
