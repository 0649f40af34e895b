//! Credentials of registries, where Docker keeps them: `auths`, `credHelpers` and `credsStore` of
//! `config.json`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use hyper::header::HeaderValue;
use serde_json::json;
use tokio::time::timeout;

/// A credential helper may ask the system's key ring; it must not ask a person.
const HELPER_LIMIT: Duration = Duration::from_secs(20);
/// Under this name Docker keeps the credentials of Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What is known about the credentials for a registry.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// For the engine; none means anonymous.
    pub(crate) header: Option<HeaderValue>,
    /// Why there are none though some are configured. As Docker does, the pull is then tried
    /// without; this explains a refusal.
    pub(crate) trouble: Option<String>,
}

/// Looks for credentials of `registry` in the folder of Docker's configuration.
pub(crate) async fn find(folder: Option<&Path>, registry: &str) -> Found {
    let Some(file) = folder.map(|folder| folder.join("config.json")) else {
        return Found::default();
    };
    let key = if registry == "docker.io" {
        DOCKER_HUB_KEY
    } else {
        registry
    };
    let (owned_file, owned_key) = (file.clone(), key.to_owned());
    let reading = tokio::task::spawn_blocking(move || read(&owned_file, &owned_key));
    let why = match timeout(HELPER_LIMIT, reading).await {
        Ok(Ok(Ok(credential))) => {
            return Found {
                header: credential.map(|it| encode(&it, key)),
                trouble: None,
            };
        }
        Ok(Ok(Err(why))) => why.to_string(),
        Ok(Err(why)) => why.to_string(),
        Err(_) => format!("the credential helper did not answer within {HELPER_LIMIT:?}"),
    };
    let text = format!(
        "the credentials for {registry} in {} cannot be used: {why}",
        file.display()
    );
    Found {
        header: None,
        trouble: Some(text),
    }
}

fn read(file: &PathBuf, key: &str) -> Result<Option<DockerCredential>, CredentialRetrievalError> {
    let Ok(file) = File::open(file) else {
        return Ok(None);
    };
    match get_credential_from_reader(BufReader::new(file), key) {
        Ok(credential) => Ok(Some(credential)),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // The words that every helper has for "nothing is kept for this registry".
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains("credentials not found") =>
        {
            Ok(None)
        }
        Err(why) => Err(why),
    }
}

/// The engine takes the URL-safe alphabet; another is silently no credential at all.
fn encode(credential: &DockerCredential, server: &str) -> HeaderValue {
    let auth = match credential {
        DockerCredential::IdentityToken(token) => {
            json!({ "identitytoken": token, "serveraddress": server })
        }
        DockerCredential::UsernamePassword(user, password) => {
            json!({ "username": user, "password": password, "serveraddress": server })
        }
    };
    let text = URL_SAFE.encode(auth.to_string());
    let mut header = HeaderValue::from_str(&text).expect("base64 has only printable characters");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(config: &str, registry: &str) -> Found {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        find(Some(folder.path()), registry).await
    }

    fn decoded(found: &Found) -> serde_json::Value {
        let header = found.header.as_ref().expect("there are credentials");
        serde_json::from_slice(&URL_SAFE.decode(header.as_bytes()).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_password_of_config_json_is_sent_in_the_alphabet_that_the_engine_reads() {
        // "me:???>>>~~~" yields `/` and `+` in the other alphabet.
        let found = found(
            r#"{"auths":{"r:5000":{"auth":"bWU6Pz8/Pj4+fn5+"}}}"#,
            "r:5000",
        )
        .await;
        assert_eq!(decoded(&found)["password"], "???>>>~~~");
        let text = found.header.unwrap();
        assert!(
            !text
                .as_bytes()
                .iter()
                .any(|byte| matches!(byte, b'+' | b'/'))
        );
    }

    #[tokio::test]
    async fn docker_hub_is_found_under_its_old_name() {
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}"#;
        assert_eq!(decoded(&found(config, "docker.io").await)["username"], "a");
    }

    #[tokio::test]
    async fn no_configuration_and_no_entry_are_anonymous() {
        for (config, registry) in [("{}", "r:5000"), (r#"{"auths":{}}"#, "docker.io")] {
            let found = found(config, registry).await;
            assert!(
                found.header.is_none() && found.trouble.is_none(),
                "{config}"
            );
        }
        assert!(find(None, "r").await.header.is_none());
    }

    #[tokio::test]
    async fn a_helper_that_is_missing_is_told() {
        let found = found(r#"{"credHelpers":{"r":"no-such-helper-here"}}"#, "r").await;
        assert!(found.trouble.unwrap().contains("the credentials for r in "));
    }
}
