//! Names and folders that no other test has.

use tempfile::TempDir;

/// `prefix` and ten random letters and digits, fit for containers, volumes, images and networks.
pub fn unique_name(prefix: &str) -> String {
    let mut source = fastrand::Rng::new();
    let tail: String = (0..10).map(|_| source.lowercase()).collect();
    format!("{prefix}-{tail}")
}

/// A folder of one's own that is removed when the value is dropped. Its path is short enough to
/// hold unix sockets.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix("longshore-tmp-")
        .tempdir_in("/tmp")
        .expect("/tmp is writable on a machine that runs tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ_and_keep_their_prefix() {
        let (one, two) = (unique_name("job"), unique_name("job"));
        assert_ne!(one, two);
        assert!(one.starts_with("job-"));
    }

    #[test]
    fn a_temp_dir_is_gone_after_its_value() {
        let path = temp_dir().path().to_path_buf();
        assert!(!path.exists());
    }
}
