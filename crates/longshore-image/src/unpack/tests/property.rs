//! Any tree that is packed is the same when it is unpacked.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tar::EntryType;

use super::pack::{Draft, Pack};
use super::seen::{Seen, What, seen};
use super::*;

#[derive(Clone, Debug)]
enum Leaf {
    File(Vec<u8>),
    Symlink(String),
    Fifo,
    HardLink(usize),
}

#[derive(Clone, Debug)]
struct Planned {
    folder: usize,
    name: String,
    leaf: Option<Leaf>,
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, u32),
    xattr: Option<Vec<u8>>,
}

fn leaf() -> impl Strategy<Value = Option<Leaf>> {
    prop_oneof![
        3 => Just(None),
        4 => prop::collection::vec(any::<u8>(), 0..1500).prop_map(|it| Some(Leaf::File(it))),
        1 => "[a-z./]{1,120}".prop_map(|it| Some(Leaf::Symlink(it))),
        1 => Just(Some(Leaf::Fifo)),
        2 => any::<usize>().prop_map(|it| Some(Leaf::HardLink(it))),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    let name = prop_oneof!["[a-z]{1,8}", "[a-zäöü ]{1,40}", "[A-Z]{101,110}"];
    let owner = (0u32..100_000, 0u32..100_000);
    let mtime = (-1000i64..3_000_000_000, 0u32..1_000_000_000);
    let xattr = prop::option::of(prop::collection::vec(any::<u8>(), 1..40));
    (
        any::<usize>(),
        name,
        leaf(),
        0u32..0o10000,
        owner,
        mtime,
        xattr,
    )
        .prop_map(|(folder, name, leaf, mode, owner, mtime, xattr)| Planned {
            folder,
            name,
            leaf,
            mode,
            owner,
            mtime,
            xattr,
        })
}

/// The archive of a plan, and what must be seen when it is unpacked.
fn draw(plan: &[Planned], privilege: Privilege) -> (Pack, BTreeMap<String, Seen>) {
    let mut folders = vec![String::new()];
    let mut files: Vec<String> = Vec::new();
    let mut expected: BTreeMap<String, Seen> = BTreeMap::new();
    let mut pack = Pack::default();
    for planned in plan {
        let folder = &folders[planned.folder % folders.len()];
        let path = format!("{folder}{}", planned.name);
        if expected.contains_key(&path) {
            continue;
        }
        let (mut draft, what) = match &planned.leaf {
            None => (
                Draft::new(EntryType::Directory, &format!("{path}/")),
                What::Folder,
            ),
            Some(Leaf::File(content)) => {
                let mut draft = Draft::file(&path, "");
                draft.content.clone_from(content);
                (draft, What::File(content.clone()))
            }
            Some(Leaf::Symlink(target)) => {
                let draft = Draft::link(EntryType::Symlink, &path, target);
                (draft, What::Symlink(target.as_bytes().to_vec()))
            }
            Some(Leaf::Fifo) => (Draft::new(EntryType::Fifo, &path), What::Fifo),
            Some(Leaf::HardLink(_)) if files.is_empty() => continue,
            Some(Leaf::HardLink(number)) => {
                let target = files[number % files.len()].clone();
                let draft = Draft::link(EntryType::Link, &path, &target);
                let same = Seen {
                    what: What::Same(target.clone()),
                    ..expected[&target].clone()
                };
                pack = pack.with(draft);
                expected.insert(path, same);
                continue;
            }
        };
        match &planned.leaf {
            None => folders.push(format!("{path}/")),
            Some(Leaf::File(_)) => files.push(path.clone()),
            Some(_) => {}
        }
        let can_have_xattr = matches!(what, What::Folder | What::File(_));
        let xattr = planned.xattr.clone().filter(|_| can_have_xattr);
        describe(&mut draft, planned, xattr.as_deref());
        pack = pack.with(draft);
        expected.insert(path, expectation(planned, what, xattr, privilege));
    }
    (pack, first_names(expected))
}

fn describe(draft: &mut Draft, planned: &Planned, xattr: Option<&[u8]>) {
    draft.header.set_mode(planned.mode);
    draft.header.set_uid(planned.owner.0.into());
    draft.header.set_gid(planned.owner.1.into());
    let (seconds, nanos) = planned.mtime;
    let time = match (seconds < 0, nanos) {
        (true, 1..) => format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos),
        _ => format!("{seconds}.{nanos:09}"),
    };
    draft.pax.push(("mtime".to_owned(), time.into_bytes()));
    if let Some(value) = xattr {
        draft
            .pax
            .push(("SCHILY.xattr.user.note".to_owned(), value.to_vec()));
    }
}

fn expectation(
    planned: &Planned,
    what: What,
    xattr: Option<Vec<u8>>,
    privilege: Privilege,
) -> Seen {
    let is_link = matches!(what, What::Symlink(_));
    let own = (
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
    );
    Seen {
        what,
        mode: if is_link { 0o777 } else { planned.mode },
        owner: if privilege == Privilege::Root {
            planned.owner
        } else {
            own
        },
        mtime: (planned.mtime.0, planned.mtime.1.into()),
        xattrs: xattr
            .map(|value| (b"user.note".to_vec(), value))
            .into_iter()
            .collect(),
    }
}

/// Of names for one file, the first in the order of names is the one that is seen as the file.
fn first_names(mut all: BTreeMap<String, Seen>) -> BTreeMap<String, Seen> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, seen) in &all {
        if let What::Same(target) = &seen.what {
            names
                .entry(target.clone())
                .or_insert_with(|| vec![target.clone()])
                .push(path.clone());
        }
    }
    for (file, mut same) in names {
        let content = all[&file].what.clone();
        same.sort_by(|one, two| one.split('/').cmp(two.split('/')));
        let first = same[0].clone();
        for path in same {
            let what = if path == first {
                content.clone()
            } else {
                What::Same(first.clone())
            };
            all.get_mut(&path).unwrap().what = what;
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_packed_tree_is_unpacked_as_it_was(plan in prop::collection::vec(planned(), 0..40)) {
        let ground = Ground::new();
        if ground.privilege() == Privilege::Root {
            let (pack, expected) = draw(&plan, ground.privilege());
            let unpacked = ground.unpack(pack).unwrap();
            prop_assert!(unpacked.needs.is_empty());
            let found = seen(&ground.layer());
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn any_bytes_are_unpacked_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let ground = Ground::new();
        let _ = ground.unpack_bytes(&bytes, Digest::of(&bytes), UnpackLimits::default());
        ground.assert_nothing_got_out();
    }
}
