//! Why a call to a host failed: whose fault it is, and whether another try makes sense.

use serde::{Deserialize, Serialize};

/// The one classification of failed executor calls. Executors translate what they meet into it;
/// nobody after them reads texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The host did not answer; nothing is known about the effect of the call.
    Unreachable,
    /// The host took the call but did not answer in time; nothing is known about its effect.
    TimedOut,
    /// The registry says that there is no such repository or tag.
    ImageNotFound,
    /// The registry refuses these credentials (or the lack of them).
    ImageDenied,
    /// The image could not be brought to the host.
    ImagePull(PullFault),
    /// The container could not be started; the code is 126 (cannot execute), 127 (not found) or 125.
    StartRefused(u8),
    /// Something else holds the name or is changing the same object.
    Conflict,
    /// The host cannot do what is asked, now or ever.
    Unsupported,
    /// The request is wrong and will be on every host.
    Configuration,
    /// The host lacks disk, memory or another resource at this moment.
    Resources,
    /// The host reported an error of its own.
    Internal,
}

/// Why an image could not be pulled, beside not found and denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullFault {
    /// The registry does not answer or broke off.
    RegistryDown,
    /// The registry asks to come back later.
    RateLimited,
    /// The host has no room for the image.
    DiskFull,
    /// No progress for the inactivity limit, or not done within the total limit.
    TimedOut,
    /// There is no image for the wanted platform.
    WrongPlatform,
    /// Anything else that the registry or the engine said.
    Other,
}

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The job: its spec or its program.
    Job,
    /// The host, the registry, the network or longshore.
    Infrastructure,
}

impl Fault {
    /// Who has to act.
    pub fn blame(self) -> Blame {
        match self {
            Self::ImageNotFound
            | Self::ImageDenied
            | Self::ImagePull(PullFault::WrongPlatform)
            | Self::StartRefused(_)
            | Self::Unsupported
            | Self::Configuration => Blame::Job,
            Self::Unreachable
            | Self::TimedOut
            | Self::ImagePull(
                PullFault::RegistryDown
                | PullFault::RateLimited
                | PullFault::DiskFull
                | PullFault::TimedOut
                | PullFault::Other,
            )
            | Self::Conflict
            | Self::Resources
            | Self::Internal => Blame::Infrastructure,
        }
    }

    /// Whether the same call may succeed a little later on the same host.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Conflict | Self::Internal => true,
            Self::ImageNotFound
            | Self::ImageDenied
            | Self::ImagePull(_)
            | Self::StartRefused(_)
            | Self::Unsupported
            | Self::Configuration
            | Self::Resources => false,
        }
    }

    /// Whether nothing is known about the effect of a call that failed so.
    pub fn is_silence(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut => true,
            Self::ImageNotFound
            | Self::ImageDenied
            | Self::ImagePull(_)
            | Self::StartRefused(_)
            | Self::Conflict
            | Self::Unsupported
            | Self::Configuration
            | Self::Resources
            | Self::Internal => false,
        }
    }

    /// In the words of a user.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Unreachable => "the host cannot be reached",
            Self::TimedOut => "the host did not answer in time",
            Self::ImageNotFound => "image not found",
            Self::ImageDenied => "access to the image denied",
            Self::ImagePull(PullFault::RegistryDown) => "the registry cannot be reached",
            Self::ImagePull(PullFault::RateLimited) => "the registry limits the rate of pulls",
            Self::ImagePull(PullFault::DiskFull) => "no room for the image on the host",
            Self::ImagePull(PullFault::TimedOut) => "the pull took too long",
            Self::ImagePull(PullFault::WrongPlatform) => "no image for this platform",
            Self::ImagePull(PullFault::Other) => "the pull failed",
            Self::StartRefused(_) => "the container cannot be started",
            Self::Conflict => "conflict with another object on the host",
            Self::Unsupported => "the host cannot do this",
            Self::Configuration => "the host refuses the configuration",
            Self::Resources => "the host lacks resources",
            Self::Internal => "the host reported an internal error",
        }
    }
}
