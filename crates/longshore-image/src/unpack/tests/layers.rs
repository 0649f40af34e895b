//! Layers of honest makers.

use std::io::Write;

use tar::EntryType;

use super::pack::{Draft, Pack};
use super::seen::{What, seen};
use super::*;
use crate::unpack::settle;

fn folder(path: &str) -> Draft {
    Draft::new(EntryType::Directory, path)
}

#[test]
fn a_layer_is_the_same_plain_and_by_gzip_and_zstd() {
    let plain = Pack::of([Draft::file("a", "text")]).finish();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain[..700]).unwrap();
    // Some builders write several gzip members one behind the other.
    let mut two_members = gzip.finish().unwrap();
    let mut rest = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    rest.write_all(&plain[700..]).unwrap();
    two_members.extend(rest.finish().unwrap());
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    for bytes in [&plain, &two_members, &zstd] {
        let ground = Ground::new();
        let diff_id = Digest::of(&plain);
        ground
            .unpack_bytes(bytes, diff_id, UnpackLimits::default())
            .unwrap();
        assert_eq!(text(ground.layer().join("a")), "text");
    }
}

#[test]
fn content_that_the_configuration_does_not_name_is_refused() {
    let ground = Ground::new();
    let bytes = Pack::of([Draft::file("a", "text")]).finish();
    let other = Digest::of(b"another layer");
    let refused = ground
        .unpack_bytes(&bytes, other, UnpackLimits::default())
        .unwrap_err();
    assert!(matches!(refused, UnpackError::DiffId { actual } if actual == Digest::of(&bytes)));
}

#[test]
fn what_stands_behind_the_last_member_counts_for_the_digest() {
    let ground = Ground::new();
    let mut bytes = Pack::of([Draft::file("a", "text")]).finish();
    bytes.resize(10 * 1024, 0);
    ground
        .unpack_bytes(&bytes, Digest::of(&bytes), UnpackLimits::default())
        .unwrap();
}

#[test]
fn owners_rights_times_and_attributes_are_kept() {
    let ground = Ground::new();
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut program = Draft::file("bin/ping", "x")
        .pax("SCHILY.xattr.security.capability", &capability)
        .pax("SCHILY.xattr.trusted.overlay.opaque", b"y")
        .pax("mtime", b"100.5");
    program.header.set_mode(0o4755);
    program.header.set_uid(70_000);
    program.header.set_gid(7);
    let mut closed = folder("bin");
    closed.header.set_mode(0o555);
    closed.header.set_mtime(42);
    ground.unpack(Pack::of([closed, program])).unwrap();
    let all = seen(&ground.layer());
    let (bin, ping) = (&all["bin"], &all["bin/ping"]);
    assert_eq!(
        (bin.mode, bin.mtime),
        (0o555, (42, 0)),
        "what was put into it changed its time"
    );
    assert_eq!((ping.mode, ping.mtime), (0o4755, (100, 500_000_000)));
    if ground.privilege() == Privilege::Root {
        assert_eq!(ping.owner, (70_000, 7));
        let names: Vec<&[u8]> = ping.xattrs.keys().map(|name| &name[..]).collect();
        assert_eq!(
            names,
            [b"security.capability"],
            "no layer may forge overlayfs's own"
        );
    }
}

#[test]
fn hidden_names_become_what_overlayfs_reads() {
    let ground = Ground::new();
    let pack = Pack::of([
        folder("kept"),
        Draft::file("kept/.wh.gone", ""),
        folder("new"),
        Draft::file("new/.wh..wh..opq", ""),
        Draft::file("new/file", "x"),
        Draft::file(".wh..wh.plnk/7", "left out"),
        folder("both"),
        Draft::file(".wh.both", ""),
    ]);
    let unpacked = ground.unpack(pack).unwrap();
    assert!(unpacked.needs.is_empty());
    let all = seen(&ground.layer());
    let paths: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(paths, ["both", "kept", "kept/gone", "new", "new/file"]);
    assert_eq!(
        all["kept/gone"].what,
        What::Device {
            block: false,
            number: 0
        }
    );
    let opaque = ground.privilege().opaque().as_bytes();
    for (path, is_opaque) in [("kept", false), ("new", true), ("both", true)] {
        assert_eq!(all[path].xattrs.contains_key(opaque), is_opaque, "{path}");
    }
}

#[test]
fn an_ordinary_user_gets_the_form_that_overlayfs_takes_from_users() {
    let ground = Ground::new();
    let pack = [
        folder("new"),
        Draft::file("new/.wh..wh..opq", ""),
        Draft::file(".wh.gone", ""),
    ];
    let bytes = Pack::of(pack).finish();
    let wanted = Unpack {
        diff_id: Digest::of(&bytes),
        into: &ground.layer(),
        limits: UnpackLimits::default(),
        privilege: Privilege::User,
        tether: &Tether::default(),
    };
    unpack(&bytes[..], &wanted).unwrap();
    let all = seen(&ground.layer());
    assert!(all["new"].xattrs.contains_key(&b"user.overlay.opaque"[..]));
    // Since Linux 5.8 everybody may make this one device.
    assert_eq!(
        all["gone"].what,
        What::Device {
            block: false,
            number: 0
        }
    );
}

#[test]
fn a_name_that_is_hidden_and_made_anew_hides_what_was_below() {
    let ground = Ground::new();
    let pack = [
        Draft::file(".wh.etc", ""),
        folder("etc"),
        Draft::file("etc/new", "x"),
    ];
    ground.unpack(Pack::of(pack)).unwrap();
    let all = seen(&ground.layer());
    assert!(
        all["etc"]
            .xattrs
            .contains_key(ground.privilege().opaque().as_bytes())
    );
    assert_eq!(all["etc"].what, What::Folder);
}

#[test]
fn a_later_member_replaces_an_earlier_one() {
    let ground = Ground::new();
    let pack = Pack::of([
        folder("a"),
        Draft::file("a/b", "old"),
        Draft::file("a", "a file now"),
        Draft::link(EntryType::Symlink, "c", "a"),
        Draft::file("c", "not through the link"),
        folder("d"),
        Draft::file("d/kept", "x"),
        folder("d"),
    ]);
    ground.unpack(pack).unwrap();
    assert_eq!(text(ground.layer().join("a")), "a file now");
    assert_eq!(text(ground.layer().join("c")), "not through the link");
    assert_eq!(text(ground.layer().join("d/kept")), "x");
}

#[test]
fn a_sparse_file_keeps_its_holes() {
    use std::os::unix::fs::MetadataExt;
    let ground = Ground::new();
    let mut draft = Draft::new(EntryType::GNUSparse, "sparse");
    let gnu = draft.header.as_gnu_mut().unwrap();
    gnu.set_real_size(1 << 30);
    gnu.sparse[0].set_offset(1 << 20);
    gnu.sparse[0].set_length(5);
    gnu.sparse[1].set_offset(1 << 30);
    gnu.sparse[1].set_length(0);
    draft.content = b"piece".to_vec();
    ground.unpack(Pack::of([draft])).unwrap();
    let about = std::fs::metadata(ground.layer().join("sparse")).unwrap();
    assert_eq!(about.len(), 1 << 30);
    assert!(about.blocks() * 512 < 1 << 20, "{} blocks", about.blocks());
}

#[test]
fn folders_that_a_layer_leaves_out_get_what_they_have_below() {
    let (lower, upper) = (Ground::new(), Ground::new());
    let mut closed = folder("srv");
    closed.header.set_mode(0o700);
    closed.header.set_mtime(9);
    lower.unpack(Pack::of([closed, folder("srv/in")])).unwrap();
    let unpacked = upper.unpack(Pack::of([
        Draft::file("srv/in/file", "x"),
        Draft::file("new/y", ""),
    ]));
    let needs = unpacked.unwrap().needs;
    assert!(!needs.is_empty());
    settle(&upper.layer(), needs, &[lower.layer()], upper.privilege()).unwrap();
    let all = seen(&upper.layer());
    assert_eq!((all["srv"].mode, all["srv"].mtime), (0o700, (9, 0)));
    assert_eq!(all["new"].mode, 0o755);
}

#[test]
fn a_hard_link_to_a_file_below_is_copied_up() {
    let (lowest, lower, upper) = (Ground::new(), Ground::new(), Ground::new());
    let mut program = Draft::file("bin/tool", "the tool");
    program.header.set_mode(0o4711);
    lowest.unpack(Pack::of([folder("bin"), program])).unwrap();
    lower.unpack(Pack::of([folder("other")])).unwrap();
    let link = Draft::link(EntryType::Link, "opt", "bin/tool");
    let needs = upper.unpack(Pack::of([link])).unwrap().needs;
    let below = [lower.layer(), lowest.layer()];
    settle(&upper.layer(), needs, &below, upper.privilege()).unwrap();
    let all = seen(&upper.layer());
    assert_eq!(all["bin/tool"].what, What::File(b"the tool".to_vec()));
    assert_eq!(all["bin/tool"].mode, 0o4711);
    assert_eq!(all["opt"].what, What::Same("bin/tool".to_owned()));
}

#[test]
fn a_hard_link_to_what_a_layer_between_has_hidden_leads_nowhere() {
    for hiding in [".wh.a", ".wh..wh..opq", "a/.wh..wh..opq", "a/.wh.b"] {
        let (lowest, lower, upper) = (Ground::new(), Ground::new(), Ground::new());
        lowest
            .unpack(Pack::of([folder("a"), Draft::file("a/b", "x")]))
            .unwrap();
        lower.unpack(Pack::of([Draft::file(hiding, "")])).unwrap();
        let link = Draft::link(EntryType::Link, "c", "a/b");
        let needs = upper.unpack(Pack::of([link])).unwrap().needs;
        let below = [lower.layer(), lowest.layer()];
        let refused = settle(&upper.layer(), needs, &below, upper.privilege());
        let is_unsafe = matches!(refused, Err(UnpackError::Unsafe { .. }));
        // The root is a folder like others, but for its name.
        assert!(is_unsafe, "{hiding}: {refused:?}");
    }
}
