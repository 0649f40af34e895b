//! What is unpacked, what is refused, and that nothing gets out.

mod bombs;
mod hostile;
mod layers;
mod pack;
mod property;
mod seen;

use std::path::Path;

use tempfile::TempDir;

use super::{Privilege, Tether, Unpack, UnpackError, UnpackLimits, Unpacked, unpack};
use crate::digest::Digest;
use pack::Pack;

/// A folder that a layer is unpacked into, beside one that it must not reach.
struct Ground {
    folder: TempDir,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("layer")).unwrap();
        std::fs::write(folder.path().join("outside"), "untouched").unwrap();
        Self { folder }
    }

    fn layer(&self) -> std::path::PathBuf {
        self.folder.path().join("layer")
    }

    fn privilege(&self) -> Privilege {
        Privilege::of_this_process(self.folder.path()).unwrap()
    }

    fn unpack(&self, pack: Pack) -> Result<Unpacked, UnpackError> {
        self.unpack_within(pack, UnpackLimits::default())
    }

    fn unpack_within(&self, pack: Pack, limits: UnpackLimits) -> Result<Unpacked, UnpackError> {
        let bytes = pack.finish();
        self.unpack_bytes(&bytes, Digest::of(&bytes), limits)
    }

    fn unpack_bytes(
        &self,
        bytes: &[u8],
        diff_id: Digest,
        limits: UnpackLimits,
    ) -> Result<Unpacked, UnpackError> {
        let wanted = Unpack {
            diff_id,
            into: &self.layer(),
            limits,
            privilege: self.privilege(),
            tether: &Tether::default(),
        };
        unpack(bytes, &wanted)
    }

    /// Is everything that is not the layer as it was?
    fn assert_nothing_got_out(&self) {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["layer", "outside"]);
        let outside = std::fs::read_to_string(self.folder.path().join("outside")).unwrap();
        assert_eq!(outside, "untouched");
    }
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}
