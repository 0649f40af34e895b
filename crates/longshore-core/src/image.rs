//! Images on a host, how far a pull of one has come, and who may pull it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The engine's id; not comparable between hosts.
    pub id: String,
    /// Names with tag.
    pub tags: Vec<String>,
    /// Names with digest; comparable between hosts.
    pub digests: Vec<String>,
    /// Size on the host.
    pub size_bytes: u64,
    /// When it was built.
    pub created_at: Option<Timestamp>,
}

/// How far a pull has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// Each layer in order of appearance.
    pub layers: Vec<LayerProgress>,
}

/// How far one layer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerProgress {
    /// The layer's short id.
    pub id: String,
    /// What the engine does with it, in its own words.
    pub status: String,
    /// Bytes done of the current step.
    pub current_bytes: u64,
    /// Bytes of the current step, where known.
    pub total_bytes: Option<u64>,
}

/// Who pulls from a registry. Its secret part is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password, or an access token in its place.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// What some registries give out at a log-in instead of keeping the password.
    IdentityToken(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => {
                let mut shown = formatter.debug_struct("Password");
                shown.field("user", user).finish_non_exhaustive()
            }
            Self::IdentityToken(_) => formatter.write_str("IdentityToken(..)"),
        }
    }
}
