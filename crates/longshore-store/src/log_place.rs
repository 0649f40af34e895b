//! Where logs are kept: a folder, or a bucket of an object store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

/// Where logs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPlace {
    /// A folder of this machine, or one that it shares with others.
    Folder(PathBuf),
    /// A bucket that speaks S3.
    Bucket(BucketUrl),
}

/// A bucket that speaks S3 and a prefix in it: `s3://bucket/prefix`.
///
/// Credentials, region and endpoint are never in it: they come from the environment, under the names
/// that other programs read too (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`), or from the machine's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    url: Url,
}

/// A text is not the URL of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a bucket, such as s3://bucket/prefix: {reason}")]
pub struct BucketUrlError {
    reason: &'static str,
}

impl BucketUrl {
    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// What the names of all objects begin with; may be empty.
    pub fn prefix(&self) -> &str {
        self.url.path().trim_matches('/')
    }
}

impl FromStr for BucketUrl {
    type Err = BucketUrlError;

    fn from_str(text: &str) -> Result<Self, BucketUrlError> {
        let wrong = |reason| BucketUrlError { reason };
        let url = Url::parse(text).map_err(|_| wrong("it cannot be read"))?;
        if url.scheme() != "s3" {
            return Err(wrong("it does not begin with s3://"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no bucket"));
        }
        let has_more = !url.username().is_empty()
            || url.password().is_some()
            || url.port().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if has_more {
            return Err(wrong(
                "credentials and endpoints are read from AWS_… variables, not from it",
            ));
        }
        Ok(Self { url })
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket(bucket) => write!(f, "{bucket}"),
        }
    }
}

impl From<&Path> for LogPlace {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<PathBuf> for LogPlace {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_its_prefix_are_read() {
        let bucket: BucketUrl = "s3://ships/logs/pool-1/".parse().unwrap();
        assert_eq!((bucket.bucket(), bucket.prefix()), ("ships", "logs/pool-1"));
        let whole: BucketUrl = "s3://ships".parse().unwrap();
        assert_eq!((whole.bucket(), whole.prefix()), ("ships", ""));
    }

    #[test]
    fn what_is_no_bucket_is_refused_and_secrets_are_not_shown() {
        for text in [
            "gs://ships/logs",
            "s3://",
            "s3:///logs",
            "s3://key:s3cret@ships/logs",
            "s3://ships/logs?region=here",
            "/srv/logs",
        ] {
            let error = text.parse::<BucketUrl>().unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
