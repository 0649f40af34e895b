//! The engine's words, read once and only here: which fault stands behind a refusal.
//!
//! Status codes alone do not tell: a missing network is a 404 of `start`, a missing plug-in a 404
//! of `create`, and nearly everything of a registry is a 500.

use longshore_core::fault::{Fault, PullFault};
use longshore_executor::ExecutorError;

use crate::failure::{Cause, Failure};

const NO_ROOM: [&str; 4] = [
    "no space left on device",
    "disk quota exceeded",
    "cannot allocate memory",
    "no available IPv4 addresses",
];
const HOST_LACKS: [&str; 9] = [
    "as there are only",
    "Unknown runtime",
    "unknown runtime",
    "error looking up volume plugin",
    "error looking up logging plugin",
    "could not select device driver",
    "storage-opt is supported only",
    "Your kernel does not support",
    "Requested CPUs are not available",
];
/// The last ones come of an engine that was killed between its own steps of an earlier start, and of
/// networks that were changed under it.
const ENGINE_TROUBLE: [&str; 9] = [
    "context deadline exceeded",
    "connection refused",
    "transport is closing",
    "error while dialing",
    "ttrpc: closed",
    ": already exists",
    "already exists in network",
    "failed to create endpoint",
    "iptables failed",
];

fn has(message: &str, any: &[&str]) -> bool {
    any.iter().any(|text| message.contains(text))
}

/// Of a call whose refusals have no reading of their own.
pub(crate) fn of_call(failure: &Failure) -> Fault {
    match &failure.cause {
        Cause::Unreachable(_) | Cause::Broken(_) | Cause::NoEngine(_) => Fault::Unreachable,
        Cause::TimedOut(_) => Fault::TimedOut,
        Cause::Garbled(_) => Fault::Internal,
        Cause::Refused { status, message } => match status {
            _ if has(message, &NO_ROOM) => Fault::Resources,
            400 => Fault::Configuration,
            409 => Fault::Conflict,
            501 => Fault::Unsupported,
            _ => Fault::Internal,
        },
    }
}

/// For calls whose refusals have no reading of their own.
impl From<Failure> for ExecutorError {
    fn from(failure: Failure) -> Self {
        failure.as_fault(of_call(&failure))
    }
}

/// Of creating a container.
pub(crate) fn of_create(failure: &Failure) -> Fault {
    let message = failure.said();
    match failure.status() {
        _ if has(message, &NO_ROOM) => Fault::Resources,
        Some(_) if has(message, &HOST_LACKS) => Fault::Unsupported,
        Some(404) if message.contains("does not match the specified platform") => {
            Fault::ImagePull(PullFault::WrongPlatform)
        }
        Some(404) if message.contains("No such image") => Fault::ImageNotFound,
        Some(404) => Fault::Configuration,
        Some(_) | None => of_call(failure),
    }
}

/// Of looking a container up by what people typed. Docker 20.10 has 500 for it, later ones 400.
pub(crate) fn of_look(failure: &Failure) -> Fault {
    if failure.said().contains("IDs found with provided prefix") {
        return Fault::Configuration;
    }
    of_call(failure)
}

/// Of joining a created container to a network.
pub(crate) fn of_network(failure: &Failure) -> Fault {
    match failure.status() {
        Some(403 | 404) => Fault::Configuration,
        Some(_) | None => of_call(failure),
    }
}

/// Whether a container is in that network already.
pub(crate) fn is_joined_already(failure: &Failure) -> bool {
    failure.said().contains("already exists in network")
}

/// Of starting a container that is there; `code` is what the engine noted as its exit code.
pub(crate) fn of_start(failure: &Failure, code: u8) -> Fault {
    let Some(status) = failure.status() else {
        return of_call(failure);
    };
    match (of_refused_start(failure.said(), code), status) {
        (Fault::StartRefused(_), 404) => Fault::Configuration,
        (Fault::StartRefused(_), 409) => Fault::Conflict,
        (fault, _) => fault,
    }
}

/// Of the engine's words about a start that failed: its answer, and what it notes at the container.
///
/// With 126 and 127 the trouble is in the container, whatever words the job's own command puts there.
pub(crate) fn of_refused_start(message: &str, code: u8) -> Fault {
    match message {
        _ if has(message, &NO_ROOM) => Fault::Resources,
        _ if has(message, &HOST_LACKS) => Fault::Unsupported,
        _ if code == 125 && has(message, &ENGINE_TROUBLE) => Fault::Internal,
        _ => Fault::StartRefused(code),
    }
}

/// A start that the engine gave up because its caller had gone: it may be tried again.
pub(crate) fn is_abandoned_start(error: &str) -> bool {
    error == "context canceled"
}

/// Whether a removal is under way already.
pub(crate) fn is_being_removed(failure: &Failure) -> bool {
    failure.said().contains("is already in progress")
}

/// Of a pull: both the refusals before the first line and the errors between the lines.
/// The image's own name in them tells nothing.
pub(crate) fn of_pull(failure: &Failure, repository: &str) -> Fault {
    match &failure.cause {
        Cause::Refused { message, .. } => of_registry(&message.replace(repository, "")),
        Cause::TimedOut(_) => Fault::ImagePull(PullFault::TimedOut),
        Cause::Unreachable(_) | Cause::Broken(_) | Cause::Garbled(_) | Cause::NoEngine(_) => {
            of_call(failure)
        }
    }
}

/// What the engine says about a registry. The order matters: a refused anonymous pull of a
/// missing repository names both reasons, and the first is the one to act upon.
fn of_registry(message: &str) -> Fault {
    const LIMITED: [&str; 3] = ["toomanyrequests", "Too Many Requests", "rate limit"];
    const PLATFORM: [&str; 2] = [
        "no matching manifest for",
        "does not match the specified platform",
    ];
    const DENIED: [&str; 6] = [
        "unauthorized",
        "no basic auth credentials",
        "denied",
        "authentication required",
        "403 Forbidden",
        "incorrect username or password",
    ];
    const NOT_FOUND: [&str; 5] = [
        "manifest unknown",
        "name unknown",
        "not found",
        "does not exist",
        "NAME_UNKNOWN",
    ];
    const DOWN: [&str; 12] = [
        "connection refused",
        "connection reset",
        "no such host",
        "i/o timeout",
        "TLS handshake",
        "x509:",
        "EOF",
        "no route to host",
        "network is unreachable",
        "Client.Timeout",
        "server gave HTTP response to HTTPS client",
        "unexpected HTTP status: 50",
    ];
    match () {
        () if has(message, &NO_ROOM) => Fault::ImagePull(PullFault::DiskFull),
        () if has(message, &LIMITED) => Fault::ImagePull(PullFault::RateLimited),
        () if has(message, &PLATFORM) => Fault::ImagePull(PullFault::WrongPlatform),
        () if has(message, &DENIED) => Fault::ImageDenied,
        () if has(message, &DOWN) => Fault::ImagePull(PullFault::RegistryDown),
        () if has(message, &NOT_FOUND) => Fault::ImageNotFound,
        () => Fault::ImagePull(PullFault::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_say_about_registries_is_told_apart() {
        use PullFault::{DiskFull, Other, RateLimited, RegistryDown, WrongPlatform};
        let table = [
            (
                "manifest for 127.0.0.1:5000/a:b not found: manifest unknown: manifest unknown",
                Fault::ImageNotFound,
            ),
            (
                "pull access denied for a, repository does not exist or may require 'docker login'",
                Fault::ImageDenied,
            ),
            (
                "Head \"http://h/v2/a/manifests/1\": no basic auth credentials",
                Fault::ImageDenied,
            ),
            (
                "Get \"https://h/v2/\": dial tcp 127.0.0.1:5: connect: connection refused",
                Fault::ImagePull(RegistryDown),
            ),
            (
                "Get \"https://h/v2/\": dial tcp: lookup h: no such host",
                Fault::ImagePull(RegistryDown),
            ),
            (
                "Get \"https://h/v2/\": x509: certificate signed by unknown authority",
                Fault::ImagePull(RegistryDown),
            ),
            ("unexpected EOF", Fault::ImagePull(RegistryDown)),
            (
                "toomanyrequests: You have reached your pull rate limit",
                Fault::ImagePull(RateLimited),
            ),
            (
                "write /var/lib/docker/tmp/x: no space left on device",
                Fault::ImagePull(DiskFull),
            ),
            (
                "no matching manifest for linux/s390x in the manifest list entries",
                Fault::ImagePull(WrongPlatform),
            ),
            (
                "filesystem layer verification failed for digest sha256:1",
                Fault::ImagePull(Other),
            ),
        ];
        for (message, fault) in table {
            assert_eq!(of_registry(message), fault, "{message}");
        }
    }

    fn refused(status: u16, message: &str) -> Failure {
        let cause = Cause::Refused {
            status,
            message: message.to_owned(),
        };
        Failure {
            tried: "try".into(),
            place: "here".into(),
            cause,
        }
    }

    #[test]
    fn a_404_of_create_is_not_always_the_image() {
        let table = [
            (404, "No such image: a:b", Fault::ImageNotFound),
            (
                404,
                "create v: error looking up volume plugin x: not found",
                Fault::Unsupported,
            ),
            (
                404,
                "image with reference a was found but does not match the specified platform",
                Fault::ImagePull(PullFault::WrongPlatform),
            ),
            (
                400,
                "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
                Fault::Unsupported,
            ),
            (
                400,
                "invalid mount config for type \"bind\": bind source path does not exist: /x",
                Fault::Configuration,
            ),
            (500, "mkdir: no space left on device", Fault::Resources),
        ];
        for (status, message, fault) in table {
            assert_eq!(of_create(&refused(status, message)), fault, "{message}");
        }
    }

    #[test]
    fn a_refused_start_is_the_jobs_fault_unless_the_host_is_in_trouble() {
        let table = [
            (
                (400, 127),
                "exec: \"/nope\": stat /nope: no such file or directory",
                Fault::StartRefused(127),
            ),
            ((404, 125), "network x not found", Fault::Configuration),
            (
                (500, 125),
                "could not select device driver \"\" with capabilities: [[gpu]]",
                Fault::Unsupported,
            ),
            (
                (500, 127),
                "linux spec user: unable to find user x",
                Fault::StartRefused(127),
            ),
            (
                (500, 125),
                "connection error: desc = \"transport: error while dialing\"",
                Fault::Internal,
            ),
            (
                (500, 125),
                "task 4f3: already exists: unknown",
                Fault::Internal,
            ),
            (
                (400, 127),
                "exec: \"connection refused\": executable file not found in $PATH",
                Fault::StartRefused(127),
            ),
        ];
        for ((status, code), message, fault) in table {
            let failure = refused(status, message);
            assert_eq!(of_start(&failure, code), fault, "{message}");
        }
    }
}
