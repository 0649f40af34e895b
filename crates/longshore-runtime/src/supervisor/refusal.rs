//! Why a container did not begin to run.

use std::io;

use longshore_core::with_causes;

use crate::Refused;
use crate::account::AccountError;
use crate::capabilities::UnknownCapability;
use crate::devices::DeviceError;
use crate::error::{CgroupError, RuntimeError};
use crate::etc::EtcError;
use crate::mounting::MountingError;
use crate::network::NetworkError;
use crate::overlay::OverlayError;
use crate::seccomp::SeccompError;
use crate::spec::SpecError;

/// Why a container did not begin to run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is said already.
    #[error("{}", .0.message)]
    Said(Refused),
    /// A call of the system failed.
    #[error("cannot {tried}")]
    System {
        tried: &'static str,
        source: io::Error,
    },
    #[error("the container has no process")]
    NoProcess,
    #[error(
        "the container's user {uid}:{gid} is unknown here: install the package uidmap and give the user \
         who runs this lines in /etc/subuid and /etc/subgid, or use `--user root`"
    )]
    UnknownUser { uid: u32, gid: u32 },
    #[error("the container does not say whether its program began")]
    Silent,
    #[error("the kernel does not let the container be made")]
    Library(#[from] libcontainer::process::channel::ChannelError),
    #[error("the container cannot be told to begin")]
    Notify(#[from] libcontainer::notify_socket::NotifyListenerError),
    #[error("the container's control group cannot be made")]
    Cgroup(#[from] CgroupError),
    #[error("something of the command or its environment has a byte of zero in it")]
    Zero(#[from] std::ffi::NulError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Capability(#[from] UnknownCapability),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Etc(#[from] EtcError),
    #[error(transparent)]
    File(#[from] RuntimeError),
    #[error(transparent)]
    Mounting(#[from] MountingError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Overlay(#[from] OverlayError),
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
    #[error(transparent)]
    Spec(#[from] SpecError),
}

impl Refusal {
    /// As others read it.
    pub(super) fn into_refused(self) -> Refused {
        if let Self::Said(refused) = self {
            return refused;
        }
        Refused {
            code: 125,
            message: with_causes(&self),
        }
    }
}

/// Says which call of the system failed.
pub(super) trait Call<T> {
    /// `tried` is a verb with its object: the text is "cannot `tried`".
    fn call(self, tried: &'static str) -> Result<T, Refusal>;
}

impl<T, E: Into<io::Error>> Call<T> for Result<T, E> {
    fn call(self, tried: &'static str) -> Result<T, Refusal> {
        self.map_err(|why| Refusal::System {
            tried,
            source: why.into(),
        })
    }
}
