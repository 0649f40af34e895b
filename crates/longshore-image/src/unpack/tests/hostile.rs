//! Layers that want to get out, or to forge what others have.

use std::sync::atomic::Ordering;

use tar::EntryType;

use super::pack::{Draft, Pack};
use super::seen::{What, seen};
use super::*;
use crate::unpack::{Unpack, settle};

fn symlink(path: &str, target: &str) -> Draft {
    Draft::link(EntryType::Symlink, path, target)
}

fn refused(drafts: impl IntoIterator<Item = Draft>) -> UnpackError {
    let ground = Ground::new();
    let outcome = ground.unpack(Pack::of(drafts));
    ground.assert_nothing_got_out();
    outcome.unwrap_err()
}

#[test]
fn a_path_that_goes_up_is_refused() {
    for path in [
        "../outside",
        "a/../../outside",
        "..",
        "/../outside",
        "a/../b",
    ] {
        let why = refused([Draft::file(path, "x")]);
        assert!(matches!(why, UnpackError::Unsafe { .. }), "{path}: {why}");
        let long = format!("{}/{path}", "d/".repeat(60));
        assert!(matches!(
            refused([Draft::file(&long, "x")]),
            UnpackError::Unsafe { .. }
        ));
        let pax = Draft::file("fine", "x").pax("path", path.as_bytes());
        assert!(
            matches!(refused([pax]), UnpackError::Unsafe { .. }),
            "{path}"
        );
    }
}

#[test]
fn an_absolute_path_lies_in_the_layer() {
    let ground = Ground::new();
    let path = ground.folder.path().join("outside");
    ground
        .unpack(Pack::of([Draft::file(path.to_str().unwrap(), "x")]))
        .unwrap();
    ground.assert_nothing_got_out();
    assert_eq!(
        text(ground.layer().join(path.strip_prefix("/").unwrap())),
        "x"
    );
}

#[test]
fn links_that_lead_out_are_kept_but_never_followed() {
    for target in ["../outside", "/etc/passwd", "../..", "/proc/self/root"] {
        let ground = Ground::new();
        ground
            .unpack(Pack::of([
                symlink("link", target),
                Draft::file("link", "x"),
            ]))
            .unwrap();
        ground.assert_nothing_got_out();
        assert_eq!(
            text(ground.layer().join("link")),
            "x",
            "the link itself was replaced"
        );
    }
}

#[test]
fn writing_through_a_link_stays_in_the_layer() {
    for target in ["..", "/", "../../..", "/../..", "../../../../.."] {
        let ground = Ground::new();
        let pack = [symlink("up", target), Draft::file("up/outside", "inside")];
        ground.unpack(Pack::of(pack)).unwrap();
        ground.assert_nothing_got_out();
        assert_eq!(
            text(ground.layer().join("outside")),
            "inside",
            "{target} is the layer itself"
        );
    }
}

#[test]
fn links_through_proc_and_to_nowhere_are_refused() {
    for target in ["/proc/self/cwd", "nowhere", "loop", "/tmp"] {
        let outcome = [symlink("loop", target), Draft::file("loop/x", "x")];
        assert!(
            matches!(refused(outcome), UnpackError::Io { .. }),
            "{target}"
        );
    }
}

#[test]
fn a_folder_in_the_place_of_a_link_is_a_new_folder() {
    let ground = Ground::new();
    let folder = Draft::new(EntryType::Directory, "link");
    let pack = [
        symlink("link", ".."),
        folder,
        Draft::file("link/outside", "x"),
    ];
    ground.unpack(Pack::of(pack)).unwrap();
    ground.assert_nothing_got_out();
    assert_eq!(text(ground.layer().join("link/outside")), "x");
}

#[test]
fn a_hard_link_to_outside_is_refused() {
    let why = refused([Draft::link(EntryType::Link, "link", "../outside")]);
    assert!(matches!(why, UnpackError::Unsafe { .. }));
    // By an absolute path, and through a link: both mean the layer, where there is no such file.
    for drafts in [
        vec![Draft::link(EntryType::Link, "link", "/etc/hostname")],
        vec![
            symlink("up", "/.."),
            Draft::link(EntryType::Link, "link", "up/etc/hostname"),
        ],
    ] {
        let ground = Ground::new();
        let needs = ground.unpack(Pack::of(drafts)).unwrap().needs;
        let none: [&Path; 0] = [];
        let settled = settle(&ground.layer(), needs, &none, ground.privilege());
        assert!(matches!(settled, Err(UnpackError::Unsafe { .. })));
        ground.assert_nothing_got_out();
        assert!(!ground.layer().join("link").exists());
    }
}

#[test]
fn writing_to_a_hard_link_of_a_link_changes_no_other_file() {
    let ground = Ground::new();
    let pack = [
        symlink("way", "../outside"),
        Draft::link(EntryType::Link, "same", "way"),
        Draft::file("same", "x"),
    ];
    ground.unpack(Pack::of(pack)).unwrap();
    ground.assert_nothing_got_out();
}

#[test]
fn a_device_is_made_as_it_is_but_none_that_hides() {
    let why = refused([Draft::device(EntryType::Char, "null", (0, 0))]);
    assert!(matches!(why, UnpackError::Unsafe { .. }));
    let ground = Ground::new();
    let pack = [
        Draft::device(EntryType::Char, "dev/null", (1, 3)),
        Draft::device(EntryType::Block, "dev/sda", (8, 0)),
        Draft::new(EntryType::Fifo, "dev/pipe"),
    ];
    ground.unpack(Pack::of(pack)).unwrap();
    if ground.privilege() == Privilege::Root {
        let all = seen(&ground.layer());
        assert_eq!(
            all["dev/null"].what,
            What::Device {
                block: false,
                number: 0x103
            }
        );
        assert_eq!(
            all["dev/sda"].what,
            What::Device {
                block: true,
                number: 0x800
            }
        );
        assert_eq!(all["dev/pipe"].what, What::Fifo);
    }
}

#[test]
fn names_that_hide_nothing_are_refused() {
    for path in [".wh.", ".wh..", ".wh...", "a/.wh.", ".wh.a/b"] {
        let why = refused([Draft::file(path, "")]);
        assert!(matches!(why, UnpackError::Unsafe { .. }), "{path}: {why}");
    }
}

#[test]
fn a_path_cannot_be_made_deeper_by_links() {
    let deep = "d/".repeat(200);
    let pack = [Draft::new(EntryType::Directory, &deep), symlink("s", &deep)];
    let deeper = format!("s/{deep}");
    let why = refused(
        pack.into_iter()
            .chain([Draft::new(EntryType::Directory, &deeper)]),
    );
    assert!(
        matches!(why, UnpackError::Io { .. } | UnpackError::Unsafe { .. }),
        "{why}"
    );
    let why = refused([Draft::new(EntryType::Directory, &"d/".repeat(300))]);
    assert!(matches!(why, UnpackError::Unsafe { .. }));
}

#[test]
fn an_owner_that_the_system_reads_as_nobody_is_refused() {
    for (key, id) in [("uid", "4294967295"), ("gid", "4294967296")] {
        let draft = Draft::file("a", "x").pax(key, id.as_bytes());
        assert!(
            matches!(refused([draft]), UnpackError::Broken(_)),
            "{key} {id}"
        );
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let whole = Pack::of([Draft::file("a", &"x".repeat(2000))]).finish();
    let mut flipped = whole.clone();
    flipped[10] ^= 1;
    let xz = [0xfd, b'7', b'z', b'X', b'Z', 0, 0, 0];
    for bytes in [
        &whole[..1000],
        &whole[..700],
        &flipped,
        b"no archive at all",
        &xz,
    ] {
        let ground = Ground::new();
        let outcome = ground.unpack_bytes(bytes, Digest::of(bytes), UnpackLimits::default());
        assert!(
            matches!(outcome, Err(UnpackError::Broken(_))),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_pull_that_nobody_waits_for_stops_unpacking() {
    let ground = Ground::new();
    let bytes = Pack::of([Draft::file("a", "x")]).finish();
    let tether = Tether::default();
    tether.is_given_up.store(true, Ordering::Relaxed);
    let wanted = Unpack {
        diff_id: Digest::of(&bytes),
        into: &ground.layer(),
        limits: UnpackLimits::default(),
        privilege: ground.privilege(),
        tether: &tether,
    };
    assert!(matches!(
        unpack(&bytes[..], &wanted),
        Err(UnpackError::GivenUp)
    ));
}
