//! What a layer needs of those below it, and how it gets it once they are there.
//!
//! An archive may leave out the folders above a file: overlayfs would then show them with rights
//! that nobody chose. It may also link to a file of a lower layer: overlayfs has no such link, so
//! the file is copied up, as the kernel would do it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::attributes::{Attributes, Privilege};
use super::path::CleanPath;
use super::placing::{make_folder, new_file};
use super::tree::{Tree, look, open_folder, type_of};
use super::whiteout;
use super::{UnpackError, at};

/// What a layer lacks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Folders that were made though nothing describes them.
    pub(super) parents: BTreeSet<CleanPath>,
    /// Hard links, and the files of lower layers that they lead to.
    pub(super) links: BTreeMap<CleanPath, CleanPath>,
}

impl Needs {
    pub(crate) fn is_empty(&self) -> bool {
        self.parents.is_empty() && self.links.is_empty()
    }

    pub(super) fn no_link(&mut self, path: &CleanPath) {
        self.links.remove(path);
    }

    pub(super) fn forget_below(&mut self, path: &CleanPath) {
        self.parents.retain(|known| !known.is_at_or_below(path));
        self.links.retain(|known, _| !known.is_at_or_below(path));
    }
}

/// Where a layer finds something in those below.
struct Found {
    folder: OwnedFd,
    kind: FileType,
}

/// Gives the layer in `folder` what it lacks. `lower` are the layers below, from the top down.
///
/// # Errors
/// When a hard link leads to nothing, or to what cannot be linked.
pub(crate) fn settle(
    folder: &Path,
    mut needs: Needs,
    lower: &[impl AsRef<Path>],
    privilege: Privilege,
) -> Result<(), UnpackError> {
    let open = |path: &Path| Tree::open(path).map_err(at("open", &CleanPath::root()));
    let below = lower
        .iter()
        .map(|path| open(path.as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    let layer = Layer {
        own: open(folder)?,
        below,
        privilege,
    };
    for (path, target) in std::mem::take(&mut needs.links) {
        layer.link(&path, &target, &mut needs.parents)?;
    }
    // From the bottom up: rights may close a folder, even for its owner.
    for path in needs.parents.iter().rev() {
        layer
            .describe(path)
            .map_err(at("finish the folder", path))?;
    }
    Ok(())
}

struct Layer {
    own: Tree,
    below: Vec<Tree>,
    privilege: Privilege,
}

impl Layer {
    /// Copies the target up and links to it.
    fn link(
        &self,
        path: &CleanPath,
        target: &CleanPath,
        parents: &mut BTreeSet<CleanPath>,
    ) -> Result<(), UnpackError> {
        let found = self.find(target).map_err(at("look for", target))?;
        let Some(found) = found.filter(|found| found.kind == FileType::RegularFile) else {
            return Err(UnpackError::Unsafe {
                path: path.to_string(),
                why: "it is a hard link to what is no file of this image",
            });
        };
        let (above, name) = target.split().expect("a file has a name");
        let copied = self.make_folders(&above, parents).and_then(|folder| {
            if look(&folder, name)?.is_none() {
                self.copy(&found, &folder, name)?;
            }
            Ok(folder)
        });
        let folder = copied.map_err(at("copy up", target))?;
        let (above, own_name) = path.split().expect("a link has a name");
        let linked = self.own.folder(&above).and_then(|own| {
            Ok(rustix::fs::linkat(
                &folder,
                name,
                &own,
                own_name,
                AtFlags::empty(),
            )?)
        });
        linked.map_err(at("link", path))
    }

    fn copy(&self, found: &Found, folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = rustix::fs::openat(&found.folder, name, flags, Mode::empty())?;
        let attributes = Attributes::read(&found.folder, name)?;
        let mut file = new_file(folder, name)?;
        io::copy(&mut File::from(source), &mut file)?;
        attributes.give(&file.into(), self.privilege)
    }

    fn make_folders(
        &self,
        path: &CleanPath,
        parents: &mut BTreeSet<CleanPath>,
    ) -> io::Result<OwnedFd> {
        let mut folder = self.own.real_folder(&CleanPath::root())?;
        for step in path.steps() {
            let (_, name) = step.split().expect("a step has a name");
            if look(&folder, name)?.is_none() {
                make_folder(&folder, name)?;
                parents.insert(step.clone());
            }
            folder = self.own.real_folder(&step)?;
        }
        Ok(folder)
    }

    /// Gives a folder the attributes that it has below, if it is there.
    fn describe(&self, path: &CleanPath) -> io::Result<()> {
        let (above, name) = path.split().expect("the root is described by nobody");
        let attributes = match self.find(path)? {
            Some(found) if found.kind == FileType::Directory => {
                Attributes::read(&found.folder, name)?.without_overlay()
            }
            Some(_) | None => Attributes::of_implied_folder(),
        };
        let folder = open_folder(&self.own.folder(&above)?, name)?;
        attributes.give(&folder, self.privilege)
    }

    /// What the layers below show at `path`, taken together.
    fn find(&self, path: &CleanPath) -> io::Result<Option<Found>> {
        for tree in &self.below {
            match self.find_in(tree, path)? {
                Sight::Seen(found) => return Ok(Some(found)),
                Sight::Hidden => return Ok(None),
                Sight::Below => {}
            }
        }
        Ok(None)
    }

    fn find_in(&self, tree: &Tree, path: &CleanPath) -> io::Result<Sight> {
        let mut folder = tree.real_folder(&CleanPath::root())?;
        let mut otherwise = Sight::Below;
        if whiteout::hides_all(&folder, self.privilege)? {
            otherwise = Sight::Hidden;
        }
        for step in path.steps() {
            let (_, name) = step.split().expect("a step has a name");
            let Some(there) = look(&folder, name)? else {
                return Ok(otherwise);
            };
            if whiteout::hides(&folder, name, &there, self.privilege)? {
                return Ok(Sight::Hidden);
            }
            let kind = type_of(&there);
            if step == *path {
                return Ok(Sight::Seen(Found { folder, kind }));
            }
            if kind != FileType::Directory {
                return Ok(Sight::Hidden);
            }
            folder = tree.real_folder(&step)?;
            if whiteout::hides_all(&folder, self.privilege)? {
                otherwise = Sight::Hidden;
            }
        }
        Ok(otherwise)
    }
}

/// What one layer shows at a path.
enum Sight {
    Seen(Found),
    /// Nothing, and nothing of the layers below it either.
    Hidden,
    /// What the layers below it show.
    Below,
}
