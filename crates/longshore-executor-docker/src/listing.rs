//! Which containers of a host are ours.

use std::collections::HashMap;

use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL};
use longshore_executor::{ExecutorError, Owned};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::handle::handle;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    names: Option<Vec<String>>,
    created: i64,
    state: String,
    labels: Option<HashMap<String, String>>,
}

/// All containers whose pool label is exactly this pool's id.
pub(crate) async fn list_owned(client: &Client, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
    let pool = pool.to_string();
    let filters = json!({ "label": [format!("{LABEL_POOL}={pool}")] }).to_string();
    let query = Serializer::new(String::new())
        .append_pair("all", "true")
        .append_pair("filters", &filters)
        .finish();
    let path = format!("/containers/json?{query}");
    let call = Call::get(
        path,
        client.deadlines().control,
        format!("list containers of pool {pool}"),
    );
    let listed: Vec<Listed> = client.json(call).await?;
    Ok(listed
        .into_iter()
        .filter_map(|listed| listed.owned_by(&pool))
        .collect())
}

impl Listed {
    /// An engine that does not know the filter would list everything: the label is checked again.
    fn owned_by(self, pool: &str) -> Option<Owned> {
        let labels = self.labels.unwrap_or_default();
        if labels.get(LABEL_POOL).map(String::as_str) != Some(pool) {
            return None;
        }
        let name = self.names.into_iter().flatten().next().unwrap_or_default();
        Some(Owned {
            handle: handle(self.id),
            attempt: labels.get(LABEL_ATTEMPT).and_then(|id| id.parse().ok()),
            job: labels.get(LABEL_JOB).and_then(|id| id.parse().ok()),
            name: name.trim_start_matches('/').to_owned(),
            created_at: Timestamp::from_second(self.created).unwrap_or(Timestamp::UNIX_EPOCH),
            is_running: matches!(self.state.as_str(), "running" | "paused" | "restarting"),
        })
    }
}
