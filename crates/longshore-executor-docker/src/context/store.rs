//! Docker's files: `config.json` and the store of contexts beside it.
//!
//! A context lives in `contexts/meta/<sha256 of its name>/meta.json`, its TLS files in
//! `contexts/tls/<the same>/docker`.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use longshore_core::host::{Endpoint, TlsFiles};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{ContextError, DEFAULT_SOCKET};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default)]
    endpoints: HashMap<String, StoredEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoredEndpoint {
    #[serde(default)]
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The context that `docker context use` chose.
pub(super) fn current_context(folder: &Path) -> Result<Option<String>, ContextError> {
    let configuration = read::<Configuration>(&folder.join("config.json"))?;
    Ok(configuration
        .map(|it| it.current_context)
        .filter(|name| !name.is_empty()))
}

/// How the engine of a context is reached.
pub(super) fn endpoint(folder: &Path, name: &str) -> Result<Endpoint, ContextError> {
    let contexts = folder.join("contexts");
    let digest = digest(name);
    let path = contexts.join("meta").join(&digest).join("meta.json");
    let unknown = || ContextError::Unknown {
        name: name.to_owned(),
        path: path.display().to_string(),
    };
    let metadata = read::<Metadata>(&path)?.ok_or_else(unknown)?;
    let mut endpoints = metadata.endpoints;
    let stored = endpoints
        .remove("docker")
        .ok_or_else(|| ContextError::NoEndpoint(name.to_owned()))?;
    let tls = tls(
        &contexts.join("tls").join(&digest).join("docker"),
        stored.skip_tls_verify,
    );
    let address = if stored.host.is_empty() {
        DEFAULT_SOCKET.to_owned()
    } else {
        stored.host
    };
    Ok(Endpoint {
        tls: tls.filter(|_| address.starts_with("tcp://")),
        address,
    })
}

/// TLS is spoken when there is any file for it, or the wish not to check the server.
fn tls(folder: &Path, skip_verify: bool) -> Option<TlsFiles> {
    let file = |name: &str| {
        let path = folder.join(name);
        path.is_file().then(|| path.display().to_string())
    };
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let is_meant = skip_verify || ca.is_some() || cert.is_some() || key.is_some();
    is_meant.then_some(TlsFiles {
        ca,
        cert,
        key,
        verify: !skip_verify,
    })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ContextError> {
    let unreadable = |why: String| ContextError::Unreadable {
        path: path.display().to_string(),
        why,
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(why) => return Err(unreadable(why.to_string())),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|why| unreadable(why.to_string()))
}

/// The name of a context's folders.
pub(super) fn digest(name: &str) -> String {
    Sha256::digest(name.as_bytes())
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_context_is_the_digest_of_its_name() {
        assert!(digest("t1").starts_with("628b49d9"));
    }
}
