//! What is mounted: volumes and folders of the job, file systems in memory, and what the image
//! declares to be volumes.

use std::path::{Path, PathBuf};

use longshore_core::spec::{JobSpec, MountKind, MountSpec};
use longshore_runtime::{FreshVolume, Mount, MountSource};

use crate::image_config::ImageConfig;
use crate::volumes;

/// Those further up in the tree come first, so that none hides another.
pub(super) fn mounts(spec: &JobSpec, image: &ImageConfig, folder: &Path) -> Vec<Mount> {
    let mut fresh = (0..).map(|number| {
        MountSource::Fresh(FreshVolume {
            folder: format!("volume-{number}"),
        })
    });
    let mut fresh = || fresh.next().expect("numbers do not end");
    let mut all = Vec::new();
    for volume in &spec.volumes {
        let source = named(volume, folder).unwrap_or_else(&mut fresh);
        all.push(Mount {
            target: PathBuf::from(volume.target()),
            source,
            read_only: volume.read_only(),
        });
    }
    for tmpfs in &spec.tmpfs {
        let options = tmpfs.options();
        let options = options.split(',').filter(|option| !option.is_empty());
        all.push(Mount {
            target: PathBuf::from(tmpfs.target()),
            source: MountSource::Tmpfs(options.map(str::to_owned).collect()),
            read_only: false,
        });
    }
    for declared in &image.volumes {
        let target = normal(declared);
        if target != Path::new("/") && all.iter().all(|mount| mount.target != target) {
            let source = fresh();
            all.push(Mount {
                target,
                source,
                read_only: false,
            });
        }
    }
    all.sort_by_key(|mount| mount.target.components().count());
    all
}

/// None for a volume without a name.
fn named(volume: &MountSpec, folder: &Path) -> Option<MountSource> {
    let source = volume.source()?;
    Some(match volume.kind() {
        MountKind::Volume => MountSource::Volume(volumes::content(folder, source)),
        MountKind::Bind => MountSource::Bind(PathBuf::from(source)),
    })
}

/// What an image declares may have a slash too many, or lack the first.
fn normal(declared: &str) -> PathBuf {
    let parts = declared
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    Path::new("/").join(parts.collect::<PathBuf>())
}
