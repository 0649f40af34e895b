//! Paths inside a layer, cleaned: relative, without `.`, `..` and empty names.

use std::fmt;

use longshore_core::limits;

use super::UnpackError;

/// The kernel takes no longer path.
const BYTES_MAX: usize = 4095;
/// Of a longer one, so many bytes of its beginning and of its end are shown.
const SHOWN: usize = 100;

/// A path below the layer's folder; the empty one is the folder itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CleanPath(Vec<u8>);

impl CleanPath {
    /// The layer's folder.
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// Cleans a path of an archive. A leading slash means the layer's folder.
    pub(super) fn new(typed: &[u8]) -> Result<Self, UnpackError> {
        let refuse = |why| UnpackError::Unsafe {
            path: shown(typed),
            why,
        };
        if typed.contains(&0) {
            return Err(refuse("a path cannot hold a zero byte"));
        }
        let is_name = |name: &&[u8]| !name.is_empty() && *name != b".";
        let names: Vec<&[u8]> = typed.split(|byte| *byte == b'/').filter(is_name).collect();
        if names.contains(&&b".."[..]) {
            return Err(refuse("it leads out of its folder"));
        }
        if names.len() > limits::LAYER_DEPTH {
            return Err(refuse("it is too deep"));
        }
        let whole = names.join(&b'/');
        if whole.len() > BYTES_MAX {
            return Err(refuse("it is longer than a path can be"));
        }
        Ok(Self(whole))
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The folder above, and the last name; the root has neither.
    pub(super) fn split(&self) -> Option<(Self, &[u8])> {
        if self.is_root() {
            return None;
        }
        let slash = self.0.iter().rposition(|byte| *byte == b'/');
        let parent = Self(self.0[..slash.unwrap_or(0)].to_vec());
        Some((parent, &self.0[slash.map_or(0, |slash| slash + 1)..]))
    }

    /// `name` in this folder.
    pub(super) fn join(&self, name: &[u8]) -> Self {
        if self.is_root() {
            return Self(name.to_vec());
        }
        Self([&self.0, name].join(&b'/'))
    }

    /// The path and those above it, from the top down, without the root.
    pub(super) fn steps(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = ends
            .map(|(end, _)| end)
            .chain((!self.is_root()).then_some(self.0.len()));
        ends.map(|end| Self(self.0[..end].to_vec()))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
    }

    /// Is it `other`, or below it?
    pub(super) fn is_at_or_below(&self, other: &Self) -> bool {
        match self.0.strip_prefix(&other.0[..]) {
            Some(rest) => other.is_root() || rest.is_empty() || rest[0] == b'/',
            None => false,
        }
    }
}

impl fmt::Display for CleanPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}", shown(&self.0))
    }
}

/// For people.
fn shown(path: &[u8]) -> String {
    if path.len() <= 2 * SHOWN {
        return String::from_utf8_lossy(path).into_owned();
    }
    let (first, last) = (&path[..SHOWN], &path[path.len() - SHOWN..]);
    format!(
        "{}…{}",
        String::from_utf8_lossy(first),
        String::from_utf8_lossy(last)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(typed: &str) -> String {
        CleanPath::new(typed.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn a_path_is_below_the_layer_however_it_is_typed() {
        assert_eq!(clean("./a//b/./c/"), "/a/b/c");
        assert_eq!(clean("/etc/passwd"), "/etc/passwd");
        assert_eq!(clean("./"), "/");
    }

    #[test]
    fn a_path_that_goes_up_is_refused() {
        for typed in ["..", "a/../b", "/../etc", "a/..", "a\0b"] {
            assert!(CleanPath::new(typed.as_bytes()).is_err(), "{typed}");
        }
    }

    #[test]
    fn a_path_that_no_kernel_takes_is_refused_and_not_shown_whole() {
        let typed = vec!["d".repeat(100); 50].join("/");
        let refused = CleanPath::new(typed.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains("longer than a path can be"), "{refused}");
        assert!(refused.len() < 300, "{refused}");
    }

    #[test]
    fn a_path_knows_what_is_above_it() {
        let path = CleanPath::new(b"a/bc/d").unwrap();
        let steps: Vec<_> = path.steps().map(|step| step.to_string()).collect();
        assert_eq!(steps, ["/a", "/a/bc", "/a/bc/d"]);
        assert!(path.is_at_or_below(&CleanPath::new(b"a/bc").unwrap()));
        assert!(!path.is_at_or_below(&CleanPath::new(b"a/b").unwrap()));
        assert_eq!(CleanPath::root().steps().count(), 0);
    }
}
