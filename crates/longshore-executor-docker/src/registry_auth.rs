//! Credentials of a registry in the form in which the engine takes them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hyper::header::HeaderValue;
use longshore_core::image::Credential;
use longshore_executor::credential_key;
use serde_json::json;

/// The engine takes the URL-safe alphabet; another is silently no credential at all.
pub(crate) fn encode(credential: &Credential, registry: &str) -> HeaderValue {
    let server = credential_key(registry);
    let auth = match credential {
        Credential::IdentityToken(token) => {
            json!({ "identitytoken": token, "serveraddress": server })
        }
        Credential::Password { user, password } => {
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

    #[test]
    fn a_password_is_sent_in_the_alphabet_that_the_engine_reads() {
        // The other alphabet would have `/` and `+` for these.
        let credential = Credential::Password {
            user: "me".to_owned(),
            password: "???>>>~~~".to_owned(),
        };
        let header = encode(&credential, "docker.io");
        let is_other = |byte: &u8| matches!(byte, b'+' | b'/');
        assert!(!header.as_bytes().iter().any(is_other));
        let sent = URL_SAFE.decode(header.as_bytes()).unwrap();
        let sent: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(sent["password"], "???>>>~~~");
        assert_eq!(sent["serveraddress"], "https://index.docker.io/v1/");
    }
}
