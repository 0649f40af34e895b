//! TLS towards an engine, with the files that Docker uses. Whatever is half set is refused.

use std::fmt::Display;
use std::sync::Arc;

use longshore_core::fault::Fault;
use longshore_core::host::TlsFiles;
use longshore_executor::ExecutorError;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// A TLS client for the engine at `host`, and the name that its certificate must bear.
///
/// With an authority named, only it may vouch for the server; else the system's may.
pub(crate) fn client(
    files: &TlsFiles,
    host: &str,
) -> Result<(TlsConnector, ServerName<'static>), ExecutorError> {
    let name = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let name = ServerName::try_from(name).map_err(refuse)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(refuse)?
        .dangerous()
        .with_custom_certificate_verifier(verifier(files, provider)?);
    let config = match own_certificate(files)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(refuse)?,
        None => builder.with_no_client_auth(),
    };
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// The settings cannot be used.
pub(crate) fn refuse(why: impl Display) -> ExecutorError {
    ExecutorError::new(
        Fault::Configuration,
        format!("TLS to the engine cannot be set up: {why}"),
    )
}

fn verifier(
    files: &TlsFiles,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ExecutorError> {
    if !files.verify {
        return Ok(Arc::new(AnyServer(provider)));
    }
    let mut roots = RootCertStore::empty();
    match &files.ca {
        Some(path) => {
            for certificate in certificates("authority", path)? {
                roots.add(certificate).map_err(refuse)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    Ok(verifier.build().map_err(refuse)?)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn own_certificate(files: &TlsFiles) -> Result<Option<Identity>, ExecutorError> {
    match (&files.cert, &files.key) {
        (None, None) => Ok(None),
        (Some(cert), None) => Err(refuse(format!(
            "the client certificate is set ({cert}), its private key is missing"
        ))),
        (None, Some(key)) => Err(refuse(format!(
            "the private key is set ({key}), its client certificate is missing"
        ))),
        (Some(cert), Some(key)) => {
            let unreadable = |why| refuse(format!("the private key {key} cannot be read: {why}"));
            let private_key = PrivateKeyDer::from_pem_file(key).map_err(unreadable)?;
            Ok(Some((
                certificates("client certificate", cert)?,
                private_key,
            )))
        }
    }
}

fn certificates(what: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, ExecutorError> {
    let unreadable = |why: &dyn Display| refuse(format!("the {what} {path} cannot be read: {why}"));
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|why| unreadable(&why))?;
    if found.is_empty() {
        return Err(unreadable(&"there is no certificate in it"));
    }
    Ok(found)
}

/// Takes any server's certificate: only by the explicit wish `verify: false`.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
