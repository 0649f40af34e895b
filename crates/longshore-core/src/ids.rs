//! Ids as types, so that no id is ever taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: expected a UUID")]
pub struct IdError(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the caller made.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The last twelve digits: the random part, short enough to type.
            pub fn short(self) -> String {
                let mut text = self.0.simple().to_string();
                text.split_off(20)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError(text.to_owned()))
            }
        }
    };
}

id! {
    /// A job: a wish that is kept until it is fulfilled or given up.
    JobId
}
id! {
    /// Many jobs that were submitted as one.
    ArrayId
}
id! {
    /// One try of a job on one host.
    AttemptId
}
id! {
    /// A place where attempts run.
    HostId
}
id! {
    /// One installation; stands on everything that it creates.
    PoolId
}
id! {
    /// One start of one worker process; never used again.
    WorkerId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_shows() {
        let id = JobId::new(Uuid::from_u128(0x0198_0000_0000_7000_8000_0123_4567_89ab));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short(), "0123456789ab");
    }

    #[test]
    fn a_text_that_is_no_uuid_is_refused_by_name() {
        let error = "nope".parse::<JobId>().unwrap_err();
        assert_eq!(error.to_string(), "`nope` is not an id: expected a UUID");
    }
}
