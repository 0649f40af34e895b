//! Credentials of registries, where Docker keeps them: `auths`, `credHelpers` and `credsStore` of
//! `config.json`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use longshore_core::image::Credential;
use tokio::time::timeout;

/// A credential helper may ask the system's key ring; it must not ask a person.
const HELPER_LIMIT: Duration = Duration::from_secs(20);
/// Under this name Docker keeps the credentials of Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What is known about the credentials for a registry.
#[derive(Debug, Default)]
pub struct FoundCredential {
    /// None means anonymous.
    pub credential: Option<Credential>,
    /// Why there are none though some are configured. As Docker does, the pull is then tried
    /// without; this explains a refusal.
    pub trouble: Option<String>,
}

/// The name under which Docker keeps the credentials of `registry`.
pub fn credential_key(registry: &str) -> &str {
    match registry {
        "docker.io" => DOCKER_HUB_KEY,
        other => other,
    }
}

/// Looks for credentials of `registry` (its host, with port if any) in the folder of Docker's
/// configuration. A helper that does not answer is given up.
pub async fn find_credential(folder: Option<&Path>, registry: &str) -> FoundCredential {
    let Some(file) = folder.map(|folder| folder.join("config.json")) else {
        return FoundCredential::default();
    };
    let key = credential_key(registry);
    let (owned_file, owned_key) = (file.clone(), key.to_owned());
    let reading = tokio::task::spawn_blocking(move || read(&owned_file, &owned_key));
    let why = match timeout(HELPER_LIMIT, reading).await {
        Ok(Ok(Ok(credential))) => {
            return FoundCredential {
                credential,
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
    FoundCredential {
        credential: None,
        trouble: Some(text),
    }
}

fn read(file: &PathBuf, key: &str) -> Result<Option<Credential>, CredentialRetrievalError> {
    let Ok(file) = File::open(file) else {
        return Ok(None);
    };
    match get_credential_from_reader(BufReader::new(file), key) {
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credential::IdentityToken(token))),
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(Some(Credential::Password { user, password }))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(config: &str, registry: &str) -> FoundCredential {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        find_credential(Some(folder.path()), registry).await
    }

    fn password(user: &str, password: &str) -> Credential {
        Credential::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_password_of_config_json_is_found_and_printed_nowhere() {
        let config = r#"{"auths":{"r:5000":{"auth":"bWU6Pz8/Pj4+fn5+"}}}"#;
        let found = found(config, "r:5000").await;
        assert_eq!(found.credential, Some(password("me", "???>>>~~~")));
        assert!(!format!("{found:?}").contains("~~~"));
    }

    #[tokio::test]
    async fn docker_hub_is_found_under_its_old_name() {
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}"#;
        assert_eq!(
            found(config, "docker.io").await.credential,
            Some(password("a", "b"))
        );
    }

    #[tokio::test]
    async fn no_configuration_and_no_entry_are_anonymous() {
        for (config, registry) in [("{}", "r:5000"), (r#"{"auths":{}}"#, "docker.io")] {
            let found = found(config, registry).await;
            assert!(
                found.credential.is_none() && found.trouble.is_none(),
                "{config}"
            );
        }
        assert!(find_credential(None, "r").await.credential.is_none());
    }

    #[tokio::test]
    async fn a_helper_that_is_missing_is_told() {
        let found = found(r#"{"credHelpers":{"r":"no-such-helper-here"}}"#, "r").await;
        assert!(found.trouble.unwrap().contains("the credentials for r in "));
    }
}
