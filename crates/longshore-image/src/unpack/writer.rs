//! Writing the members of a layer, one after the other, as overlayfs wants them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType};

use super::attributes::{Attributes, Privilege};
use super::needs::Needs;
use super::path::CleanPath;
use super::placing::{self, Place, is_missing, make_folder, refuse};
use super::tree::{Tree, look, open_folder, remove, type_of};
use super::whiteout::{self, Mark, mark};
use super::{UnpackError, UnpackLimits, Unpacked, at};
use crate::tar_stream::{Kind, Member};

const PIECE: usize = 128 * 1024;

/// A layer while it is written.
pub(super) struct Writer {
    tree: Tree,
    privilege: Privilege,
    limits: UnpackLimits,
    entries: u64,
    bytes: u64,
    /// Folders get their attributes when nothing is put into them any more.
    folders: BTreeMap<CleanPath, Attributes>,
    needs: Needs,
    hides_all: bool,
    /// The folder that was written into last: members of one folder mostly follow each other.
    last: Option<(CleanPath, OwnedFd)>,
    piece: Vec<u8>,
}

impl Writer {
    pub(super) fn new(tree: Tree, limits: UnpackLimits, privilege: Privilege) -> Self {
        Self {
            tree,
            privilege,
            limits,
            entries: 0,
            bytes: 0,
            folders: BTreeMap::new(),
            needs: Needs::default(),
            hides_all: false,
            last: None,
            piece: vec![0; PIECE],
        }
    }

    /// Writes one member, whose content is read from `content`.
    pub(super) fn write(
        &mut self,
        member: &Member,
        content: &mut impl Read,
    ) -> Result<(), UnpackError> {
        self.count(member)?;
        let path = CleanPath::new(&member.path)?;
        let Some((parent, name)) = path.split() else {
            return self.write_root(member);
        };
        if parent.names().any(|name| mark(name) != Mark::None) {
            return reserved(&parent);
        }
        match mark(name) {
            Mark::Reserved => Ok(()),
            Mark::Broken => Err(refuse(&path, "it hides no name")),
            Mark::HidesAll => self.hide_all(&parent),
            Mark::Hides(hidden) => self.hide(&parent, hidden),
            Mark::None => self.place(&path, member, content),
        }
    }

    /// Gives all folders their attributes.
    pub(super) fn finish(self) -> Result<Unpacked, UnpackError> {
        // From the bottom up: rights may close a folder, even for its owner.
        for (path, attributes) in self.folders.iter().rev() {
            self.finish_folder(path, attributes)
                .map_err(at("finish the folder", path))?;
        }
        Ok(Unpacked {
            size_bytes: self.bytes,
            hides_all: self.hides_all,
            describes_root: self.folders.contains_key(&CleanPath::root()),
            needs: self.needs,
        })
    }

    fn finish_folder(&self, path: &CleanPath, attributes: &Attributes) -> io::Result<()> {
        let (parent, name) = match path.split() {
            Some((parent, name)) => (self.tree.folder(&parent)?, name),
            None => (self.tree.folder(path)?, &b"."[..]),
        };
        match look(&parent, name)? {
            Some(stat) if type_of(&stat) == FileType::Directory => {
                attributes.give(&open_folder(&parent, name)?, self.privilege)
            }
            // Written once more as something else, by another path.
            Some(_) | None => Ok(()),
        }
    }

    fn count(&mut self, member: &Member) -> Result<(), UnpackError> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(member.size);
        let too_large = |what, most| Err(UnpackError::TooLarge { what, most });
        if self.entries > self.limits.entries {
            return too_large("files", self.limits.entries);
        }
        if self.bytes > self.limits.bytes {
            return too_large("bytes in its files", self.limits.bytes);
        }
        Ok(())
    }

    fn write_root(&mut self, member: &Member) -> Result<(), UnpackError> {
        let root = CleanPath::root();
        if member.kind != Kind::Directory {
            return Err(refuse(&root, "the layer's own folder can be nothing else"));
        }
        self.folders.insert(root, Attributes::of_member(member));
        Ok(())
    }

    fn hide_all(&mut self, path: &CleanPath) -> Result<(), UnpackError> {
        self.hides_all |= path.is_root();
        let folder = self.ready_folder(path)?;
        whiteout::hide_all(&folder, self.privilege).map_err(at("hide what is below", path))
    }

    /// Hides `name` of the layers below. What this layer itself has by that name stays.
    fn hide(&mut self, parent: &CleanPath, name: &[u8]) -> Result<(), UnpackError> {
        let path = parent.join(name);
        let folder = self.ready_folder(parent)?;
        let own = look(&folder, name).map_err(at("look at", &path))?;
        let outcome = match own {
            None => whiteout::hide(&folder, name, self.privilege),
            Some(own) if type_of(&own) == FileType::Directory => {
                open_folder(&folder, name).and_then(|own| whiteout::hide_all(&own, self.privilege))
            }
            Some(_) => Ok(()),
        };
        outcome.map_err(at("hide", &path))
    }

    fn place(
        &mut self,
        path: &CleanPath,
        member: &Member,
        content: &mut impl Read,
    ) -> Result<(), UnpackError> {
        let (above, name) = path.split().expect("the root is written elsewhere");
        let parent = self.ready_folder(&above)?;
        let place = Place { path, parent, name };
        let was_hidden = self.clear(&place, member.kind)?;
        self.needs.no_link(path);
        match member.kind {
            Kind::Directory => self.place_folder(&place, member, was_hidden),
            Kind::File => placing::file(&place, member, content, &mut self.piece, self.privilege),
            Kind::HardLink => self.place_hard_link(&place, member),
            Kind::Symlink => placing::symlink(&place, member, self.privilege),
            Kind::Fifo | Kind::CharDevice | Kind::BlockDevice => {
                placing::node(&place, member, self.privilege)
            }
        }
    }

    /// Removes what is in the way; a folder stays for a folder. Was the name hidden?
    fn clear(&mut self, place: &Place<'_>, kind: Kind) -> Result<bool, UnpackError> {
        let Place { path, parent, name } = place;
        let there = look(parent, name).map_err(at("look at", path))?;
        let Some(there) = there else {
            return Ok(false);
        };
        let is_folder = type_of(&there) == FileType::Directory;
        if is_folder && kind == Kind::Directory {
            return Ok(false);
        }
        let hidden = whiteout::hides(parent, name, &there, self.privilege);
        let hidden = hidden.map_err(at("look at", path))?;
        remove(parent, name).map_err(at("replace", path))?;
        if is_folder {
            self.last = None;
            self.folders.retain(|known, _| !known.is_at_or_below(path));
            self.needs.forget_below(path);
        }
        Ok(hidden)
    }

    fn place_folder(
        &mut self,
        place: &Place<'_>,
        member: &Member,
        was_hidden: bool,
    ) -> Result<(), UnpackError> {
        make_folder(&place.parent, place.name).map_err(at("make the folder", place.path))?;
        if was_hidden {
            open_folder(&place.parent, place.name)
                .and_then(|folder| whiteout::hide_all(&folder, self.privilege))
                .map_err(at("hide what is below", place.path))?;
        }
        self.needs.parents.remove(place.path);
        let attributes = Attributes::of_member(member);
        self.folders.insert(place.path.clone(), attributes);
        Ok(())
    }

    fn place_hard_link(&mut self, place: &Place<'_>, member: &Member) -> Result<(), UnpackError> {
        let target = CleanPath::new(&member.link)?;
        let Some((above, name)) = target.split() else {
            return Err(refuse(place.path, "a hard link cannot lead to a folder"));
        };
        let linked = self.tree.folder(&above).and_then(|folder| {
            Ok(rustix::fs::linkat(
                folder,
                name,
                &place.parent,
                place.name,
                AtFlags::empty(),
            )?)
        });
        match linked {
            Err(why) if is_missing(&why) => {
                self.needs.links.insert(place.path.clone(), target);
                Ok(())
            }
            outcome => outcome.map_err(at("link", place.path)),
        }
    }

    /// Opens a folder, and makes it, and those above it, where they are missing.
    fn ready_folder(&mut self, path: &CleanPath) -> Result<OwnedFd, UnpackError> {
        if let Some((_, folder)) = self.last.as_ref().filter(|(last, _)| last == path) {
            return folder.try_clone().map_err(at("open", path));
        }
        let folder = match self.tree.folder(path) {
            Err(why) if is_missing(&why) => self.make_folders(path),
            outcome => outcome,
        };
        let folder = folder.map_err(at("open the folder", path))?;
        self.last = Some((path.clone(), folder.try_clone().map_err(at("open", path))?));
        Ok(folder)
    }

    fn make_folders(&mut self, path: &CleanPath) -> io::Result<OwnedFd> {
        let mut folder = self.tree.folder(&CleanPath::root())?;
        for step in path.steps() {
            folder = match self.tree.folder(&step) {
                Err(why) if is_missing(&why) => self.make_step(&folder, &step)?,
                outcome => outcome?,
            };
        }
        Ok(folder)
    }

    fn make_step(&mut self, above: &OwnedFd, step: &CleanPath) -> io::Result<OwnedFd> {
        let (_, name) = step.split().expect("a step has a name");
        match look(above, name)? {
            Some(there) if whiteout::hides(above, name, &there, self.privilege)? => {
                remove(above, name)?;
                make_folder(above, name)?;
                whiteout::hide_all(&open_folder(above, name)?, self.privilege)?;
            }
            Some(_) | None => make_folder(above, name)?,
        }
        self.folders
            .insert(step.clone(), Attributes::of_implied_folder());
        self.needs.parents.insert(step.clone());
        self.tree.folder(step)
    }
}

/// Folders of book-keeping are left out with all that is in them; no other may have such a name.
fn reserved(parent: &CleanPath) -> Result<(), UnpackError> {
    if parent.names().any(|name| mark(name) == Mark::Reserved) {
        return Ok(());
    }
    Err(refuse(
        parent,
        "a folder cannot have the name of what hides another",
    ))
}
