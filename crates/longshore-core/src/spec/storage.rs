//! What a job may leave in its container's root file system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ByteSize;

/// Options of the root file system, by the names that engines give them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageOptions {
    /// How much the job may write into it; as much as the host has room for when absent. Volumes do not
    /// count. A host whose file system cannot count the bytes of one folder cannot do this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ByteSize>,
}
