//! What a registry's refusal means.

use std::error::Error;

use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciErrorCode};

use crate::digest::Digest;
use crate::error::ImageError;

/// Reads what the client met while it asked for `image`.
pub(crate) fn refusal(why: OciDistributionError, image: &str) -> ImageError {
    let image = image.to_owned();
    match why {
        OciDistributionError::UnauthorizedError { .. } => {
            let said = "the registry wants other credentials, or any".to_owned();
            ImageError::Denied { image, said }
        }
        OciDistributionError::AuthenticationFailure(said) => of_token(image, said),
        OciDistributionError::RegistryError { envelope, .. } => of_envelope(image, &envelope),
        OciDistributionError::ServerError { code, message, .. } => of_status(image, code, &message),
        OciDistributionError::DigestError(why) => of_digest(image, why),
        // An address may be signed: it stays out of texts.
        OciDistributionError::RequestError(why) => {
            let said = chain(&why.without_url());
            ImageError::Network { what: image, said }
        }
        OciDistributionError::IoError(why) => broken_off(&image, why),
        OciDistributionError::ImageManifestNotFoundError(said) => {
            ImageError::NotFound { image, said }
        }
        why @ (OciDistributionError::ConfigConversionError(_)
        | OciDistributionError::GenericError(_)
        | OciDistributionError::HeaderValueError(_)
        | OciDistributionError::ImageIndexParsingNoPlatformResolverError
        | OciDistributionError::IncompatibleLayerMediaTypeError(_)
        | OciDistributionError::JsonError(_)
        | OciDistributionError::ManifestEncodingError(_)
        | OciDistributionError::ManifestParsingError(_)
        | OciDistributionError::PushNoDataError
        | OciDistributionError::PushLayerNoDataError
        | OciDistributionError::PullNoLayersError
        | OciDistributionError::RegistryNoDigestError
        | OciDistributionError::RegistryNoLocationError
        | OciDistributionError::RegistryTokenDecodeError(_)
        | OciDistributionError::SpecViolationError(_)
        | OciDistributionError::UrlParseError(_)
        | OciDistributionError::UnsupportedMediaTypeError(_)
        | OciDistributionError::UnsupportedSchemaVersionError(_)
        | OciDistributionError::VersionedParsingError(_)) => {
            ImageError::malformed(image, chain(&why))
        }
    }
}

/// A blob that came only in part.
pub(crate) fn broken_off(what: &str, why: std::io::Error) -> ImageError {
    let what = what.to_owned();
    let said = match why.downcast::<reqwest::Error>() {
        Ok(why) => chain(&why.without_url()),
        Err(why) => match why.downcast::<DigestError>() {
            Ok(why) => return of_digest(what, why),
            Err(why) => chain(&why),
        },
    };
    ImageError::Network { what, said }
}

/// Only the body of a token server's refusal is known. Those that refuse somebody say it in JSON.
fn of_token(image: String, said: String) -> ImageError {
    if let Ok(envelope) = serde_json::from_str::<OciEnvelope>(&said) {
        let read = of_envelope(image.clone(), &envelope);
        if matches!(read, ImageError::RateLimited { .. }) {
            return read;
        }
        return ImageError::Denied { image, said };
    }
    match serde_json::from_str::<serde_json::Value>(&said) {
        Ok(_) => ImageError::Denied { image, said },
        Err(_) => ImageError::Network { what: image, said },
    }
}

fn of_envelope(image: String, envelope: &OciEnvelope) -> ImageError {
    let said: Vec<&str> = envelope
        .errors
        .iter()
        .map(|error| &*error.message)
        .collect();
    let said = said.join("; ");
    let first = envelope.errors.first().map(|error| &error.code);
    match first {
        Some(OciErrorCode::Toomanyrequests) => ImageError::RateLimited { image, said },
        Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => {
            ImageError::Denied { image, said }
        }
        Some(
            OciErrorCode::ManifestUnknown
            | OciErrorCode::NameUnknown
            | OciErrorCode::NotFound
            | OciErrorCode::BlobUnknown
            | OciErrorCode::ManifestBlobUnknown
            | OciErrorCode::NameInvalid,
        ) => ImageError::NotFound { image, said },
        Some(
            OciErrorCode::BlobUploadInvalid
            | OciErrorCode::BlobUploadUnknown
            | OciErrorCode::DigestInvalid
            | OciErrorCode::ManifestInvalid
            | OciErrorCode::ManifestUnverified
            | OciErrorCode::SizeInvalid
            | OciErrorCode::TagInvalid
            | OciErrorCode::Unsupported
            | OciErrorCode::Other(_),
        )
        | None => ImageError::Network { what: image, said },
    }
}

fn of_status(image: String, status: u16, message: &str) -> ImageError {
    let said = format!("status {status} {message}");
    match status {
        401 | 403 => ImageError::Denied { image, said },
        404 => ImageError::NotFound { image, said },
        429 => ImageError::RateLimited { image, said },
        _ => ImageError::Network { what: image, said },
    }
}

fn of_digest(what: String, why: DigestError) -> ImageError {
    if let DigestError::VerificationError { expected, actual } = &why {
        let digests = (expected.parse::<Digest>(), actual.parse::<Digest>());
        if let (Ok(expected), Ok(actual)) = digests {
            return ImageError::DigestMismatch {
                what,
                expected,
                actual,
            };
        }
    }
    ImageError::malformed(what, why)
}

fn chain(why: &dyn Error) -> String {
    let mut text = why.to_string();
    let mut below = why.source();
    while let Some(why) = below {
        text = format!("{text}: {why}");
        below = why.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_server_that_fails_is_no_refusal() {
        let token = |said: &str| {
            refusal(
                OciDistributionError::AuthenticationFailure(said.to_owned()),
                "a",
            )
        };
        assert!(matches!(
            token("<html>502 Bad Gateway"),
            ImageError::Network { .. }
        ));
        assert!(matches!(
            token(r#"{"details":"incorrect password"}"#),
            ImageError::Denied { .. }
        ));
        let limited = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
        assert!(matches!(token(limited), ImageError::RateLimited { .. }));
    }
}
