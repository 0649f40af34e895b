//! A container's root: the layers of its image, seen through a folder of its own that takes all
//! changes.

mod trial;

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::MountFlags;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::Rootfs;
use crate::folder::Folder;
use crate::quota::{self, NoQuota};
use crate::user::{self, Standing};

pub use trial::{NoOverlay, check_overlay};

/// Why there is no root.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OverlayError {
    #[error("cannot {tried} {path}: {source}")]
    Folder {
        tried: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the image has {0} layers, more than can be laid over each other")]
    TooMany(usize),
    #[error(
        "the layers of the image cannot be laid over each other in {path}: {source}; \
         not every file system can carry that (another overlay and NFS cannot)"
    )]
    Mount { path: PathBuf, source: io::Error },
    #[error("the size of the root file system cannot be bounded in {path}: {source}")]
    Size { path: PathBuf, source: NoQuota },
}

/// The folder that takes a container's changes, in its own.
pub(crate) const UPPER: &str = "upper";
/// The kernel takes the options of a mount as one page.
const OPTIONS_MAX: usize = 4000;

/// Mounts the root of a container that never ran at `merged`. Below the layers of its image is `lowest`.
pub(crate) fn mount(
    folder: &Folder,
    rootfs: &Rootfs,
    lowest: &Path,
    merged: &Path,
) -> Result<(), OverlayError> {
    let [upper, work] = [UPPER, "work"].map(|name| folder.path().join(name));
    // Of a start that did not come so far that anything ran.
    tried(
        "unbind",
        &upper,
        quota::release(&upper).map_err(io::Error::from),
    )?;
    for path in [&upper, &work] {
        tried("remove", path, remove(path))?;
        tried("make", path, fs::create_dir(path))?;
    }
    if let Some(bytes) = rootfs.size_bytes {
        let bounded = quota::bound([&upper, &work], bytes);
        bounded.map_err(|source| OverlayError::Size {
            path: folder.path().to_owned(),
            source,
        })?;
    }
    dress(&upper, rootfs.like.as_deref())?;
    let open = |path: &Path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from);
        tried("open", path, opened)
    };
    let layers = rootfs.layers.iter().rev().map(PathBuf::as_path);
    let layers = layers.chain([lowest]).map(open);
    let layers = layers.collect::<Result<Vec<_>, _>>()?;
    let (upper_opened, work_opened) = (open(&upper)?, open(&work)?);
    // Descriptors are short whatever the folders are called, and hold neither `:` nor `,`.
    let named = |opened: &dyn AsRawFd| format!("/proc/self/fd/{}", opened.as_raw_fd());
    let lower: Vec<String> = layers.iter().map(|layer| named(layer)).collect();
    // What a container changes goes with it: nobody needs it on the disk at any moment.
    let options = format!(
        "lowerdir={},upperdir={},workdir={},index=off,volatile{}",
        lower.join(":"),
        named(&upper_opened),
        named(&work_opened),
        match user::standing() {
            Standing::Root => "",
            Standing::Many | Standing::Single | Standing::Ordinary => ",userxattr",
        }
    );
    if options.len() > OPTIONS_MAX {
        return Err(OverlayError::TooMany(layers.len()));
    }
    let options = CString::new(options).expect("numbers and words");
    let mount = || {
        let flags = MountFlags::empty();
        rustix::mount::mount("overlay", merged, "overlay", flags, options.as_c_str())
    };
    let mounted = match rootfs.size_bytes {
        Some(_) => without_resource_rights(mount),
        None => mount(),
    };
    mounted.map_err(|why| OverlayError::Mount {
        path: folder.path().to_owned(),
        source: why.into(),
    })?;
    Ok(())
}

/// Files of an overlay are written with the rights of whoever mounted it, and `CAP_SYS_RESOURCE` is above
/// any quota. Kernels before 6.2 keep it.
fn without_resource_rights<T>(
    mount: impl FnOnce() -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    let own = capabilities(None)?;
    let mut fewer = own;
    fewer.effective.remove(CapabilitySet::SYS_RESOURCE);
    set_capabilities(None, fewer)?;
    let mounted = mount();
    set_capabilities(None, own)?;
    mounted
}

/// Gives the root the owner, rights and times that the image says it has.
fn dress(upper: &Path, like: Option<&Path>) -> Result<(), OverlayError> {
    let Some(like) = like else {
        let usual = Permissions::from_mode(0o755);
        return tried("make", upper, fs::set_permissions(upper, usual));
    };
    let model = tried("look at", like, fs::metadata(like))?;
    let dressed = std::os::unix::fs::chown(upper, Some(model.uid()), Some(model.gid()))
        .and_then(|()| fs::set_permissions(upper, Permissions::from_mode(model.mode() & 0o7777)))
        .and_then(|()| File::open(upper)?.set_modified(model.modified()?));
    tried("make", upper, dressed)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn tried<T>(tried: &'static str, path: &Path, outcome: io::Result<T>) -> Result<T, OverlayError> {
    outcome.map_err(|source| OverlayError::Folder {
        tried,
        path: path.to_owned(),
        source,
    })
}
