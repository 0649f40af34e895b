//! A registry, as `oci-client` speaks to it, for one image and one pull.
//!
//! A client is made for each pull: one that lives longer would go on with old credentials.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::BoxStream;
use longshore_core::image::Credential;
use longshore_core::limits;
use longshore_core::spec::ImageReference;
use oci_client::client::{
    BlobResponse, Certificate, CertificateEncoding, ClientConfig, ClientProtocol,
};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use tokio_rustls::rustls;

use crate::digest::Digest;
use crate::document::Descriptor;
use crate::error::ImageError;
use crate::refusal::refusal;

const DOCUMENTS: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
];

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct RegistryOptions {
    /// A folder like `/etc/docker/certs.d`: in a folder named like a registry, `*.crt` are
    /// authorities that may vouch for it, beside those of the system.
    pub certificates: Option<PathBuf>,
    /// Registries that may be spoken to by plain HTTP where they have no TLS, with port if any.
    /// Those on this machine always may, as in Docker.
    pub plain_http: Vec<String>,
}

/// The registry of one image.
pub(crate) struct Registry {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
    image: String,
}

/// A part of a blob that comes.
pub(crate) struct BlobPart {
    /// Which byte of the blob comes first.
    pub(crate) from: u64,
    pub(crate) bytes: BoxStream<'static, Result<Bytes, std::io::Error>>,
}

impl Registry {
    /// Connects, and asks for the right to pull the image.
    pub(crate) async fn connect(
        image: &ImageReference,
        credential: Option<&Credential>,
        options: &RegistryOptions,
    ) -> Result<Self, ImageError> {
        let auth = auth_of(image, credential)?;
        let secure = Self::try_connect(image, &auth, options, ClientProtocol::Https).await;
        let Err(OciDistributionError::RequestError(why)) = &secure else {
            return secure.map_err(|why| refusal(why, &image.to_string()));
        };
        let may_be_plain = may_be_plain(image.registry_host(), options);
        if !why.is_connect() || is_distrust(why) || !may_be_plain {
            return secure.map_err(|why| refusal(why, &image.to_string()));
        }
        let plain = Self::try_connect(image, &auth, options, ClientProtocol::Http).await;
        plain.map_err(|why| refusal(why, &image.to_string()))
    }

    async fn try_connect(
        image: &ImageReference,
        auth: &RegistryAuth,
        options: &RegistryOptions,
        protocol: ClientProtocol,
    ) -> Result<Self, OciDistributionError> {
        // Whoever comes first chooses; all choices of ours are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ClientConfig {
            protocol,
            extra_root_certificates: authorities(image.registry_host(), options)?,
            connect_timeout: Some(limits::CONNECT),
            read_timeout: Some(limits::REGISTRY_READ),
            user_agent: concat!("longshore/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let registry = Self {
            client: Client::try_from(config)?,
            auth: auth.clone(),
            reference: reference(image),
            image: image.to_string(),
        };
        let pull = RegistryOperation::Pull;
        registry
            .client
            .auth(&registry.reference, auth, pull)
            .await?;
        Ok(registry)
    }

    /// The digest of what the image's name leads to now. Registries do not count this as a pull.
    pub(crate) async fn digest(&self) -> Result<String, ImageError> {
        let asked = self
            .client
            .fetch_manifest_digest(&self.reference, &self.auth);
        asked.await.map_err(|why| self.refusal(why))
    }

    /// What the image's name, or a digest in its repository, leads to.
    pub(crate) async fn document(&self, digest: Option<&Digest>) -> Result<Vec<u8>, ImageError> {
        let reference = match digest {
            Some(digest) => self.reference.clone_with_digest(digest.to_string()),
            None => self.reference.clone(),
        };
        let asked = self
            .client
            .pull_manifest_raw(&reference, &self.auth, &DOCUMENTS)
            .await;
        let (text, _) = asked.map_err(|why| self.refusal(why))?;
        match digest.filter(|digest| **digest != Digest::of(&text)) {
            None => Ok(text.to_vec()),
            Some(expected) => Err(ImageError::DigestMismatch {
                what: format!("the manifest of {}", self.image),
                expected: *expected,
                actual: Digest::of(&text),
            }),
        }
    }

    /// The bytes of a blob, from `offset` where the registry can do that, else from the begin.
    pub(crate) async fn blob(
        &self,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<BlobPart, ImageError> {
        let digest = blob.digest.to_string();
        let asked = self
            .client
            .pull_blob_stream_partial(&self.reference, &*digest, offset, None);
        match asked.await.map_err(|why| self.refusal(why))? {
            BlobResponse::Partial(part) => Ok(BlobPart {
                from: offset,
                bytes: part.stream,
            }),
            BlobResponse::Full(whole) => Ok(BlobPart {
                from: 0,
                bytes: whole.stream,
            }),
        }
    }

    fn refusal(&self, why: OciDistributionError) -> ImageError {
        refusal(why, &self.image)
    }
}

fn reference(image: &ImageReference) -> Reference {
    let (host, path) = (image.registry_host().to_owned(), image.path().to_owned());
    match (image.digest(), image.tag()) {
        (Some(digest), _) => Reference::with_digest(host, path, digest.to_owned()),
        (None, tag) => Reference::with_tag(host, path, tag.unwrap_or("latest").to_owned()),
    }
}

fn auth_of(
    image: &ImageReference,
    credential: Option<&Credential>,
) -> Result<RegistryAuth, ImageError> {
    match credential {
        None => Ok(RegistryAuth::Anonymous),
        Some(Credential::Password { user, password }) => {
            Ok(RegistryAuth::Basic(user.clone(), password.clone()))
        }
        Some(Credential::IdentityToken(_)) => Err(ImageError::Settings {
            registry: image.registry_host().to_owned(),
            why: "there is only an identity token, which needs the registry's own log-in; \
                  log in with a user and a password or an access token"
                .to_owned(),
        }),
    }
}

/// Docker's rule: what is on this machine may do without TLS.
fn may_be_plain(registry: &str, options: &RegistryOptions) -> bool {
    let (host, port) = registry.rsplit_once(':').unwrap_or((registry, ""));
    let host = if port.ends_with(']') { registry } else { host };
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
        || options.plain_http.iter().any(|known| known == registry)
}

/// Is there TLS, but with a certificate that nobody vouches for?
fn is_distrust(why: &(dyn Error + 'static)) -> bool {
    let wrapped = why.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(inner) = wrapped {
        return is_distrust(inner);
    }
    let refusal = why.downcast_ref::<rustls::Error>();
    matches!(refusal, Some(rustls::Error::InvalidCertificate(_)))
        || why.source().is_some_and(is_distrust)
}

fn authorities(
    registry: &str,
    options: &RegistryOptions,
) -> Result<Vec<Certificate>, OciDistributionError> {
    let Some(folder) = options
        .certificates
        .as_ref()
        .map(|folder| folder.join(registry))
    else {
        return Ok(Vec::new());
    };
    let Ok(files) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "crt") {
            found.push(Certificate {
                encoding: CertificateEncoding::Pem,
                data: std::fs::read(path)?,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_whom_one_names_may_do_without_tls() {
        let options = RegistryOptions {
            plain_http: vec!["cellar:5000".to_owned()],
            ..RegistryOptions::default()
        };
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "[::1]:5000",
            "[::1]",
            "cellar:5000",
        ] {
            assert!(may_be_plain(registry, &options), "{registry}");
        }
        for registry in ["docker.io", "cellar", "10.0.0.1:5000", "localhost.example"] {
            assert!(!may_be_plain(registry, &options), "{registry}");
        }
    }
}
