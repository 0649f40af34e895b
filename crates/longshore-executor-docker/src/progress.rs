//! How far a pull has come, from the lines that the engine says about it.

use longshore_core::image::{LayerProgress, PullProgress};
use serde::Deserialize;

/// One line of a pull.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PullLine {
    /// The engine gave up.
    #[serde(default, rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "progressDetail")]
    detail: Option<Detail>,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    current: Option<i64>,
    #[serde(default)]
    total: Option<i64>,
}

impl PullLine {
    /// Why the engine gave up, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        let detail = self
            .error_detail
            .as_ref()
            .map(|detail| detail.message.clone());
        detail.or_else(|| self.error.clone())
    }

    /// Whether something came nearer; an engine that counts down to its next try does not.
    pub(crate) fn is_progress(&self) -> bool {
        self.status
            .as_ref()
            .is_none_or(|status| !status.starts_with("Retrying in"))
    }

    /// Writes what the line says about a layer down.
    pub(crate) fn apply(&self, progress: &mut PullProgress) {
        let (Some(id), Some(status)) = (&self.id, &self.status) else {
            return;
        };
        if !is_layer(id) {
            return;
        }
        let layer = layer(progress, id);
        layer.status.clone_from(status);
        let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        match &self.detail {
            Some(Detail {
                current: Some(current),
                total,
            }) => {
                layer.current_bytes = bytes(Some(*current)).unwrap_or(0);
                layer.total_bytes = bytes(*total).filter(|total| *total > 0);
            }
            // A step that is done says no numbers.
            Some(Detail { current: None, .. }) | None => {
                layer.current_bytes = layer.total_bytes.unwrap_or(layer.current_bytes);
            }
        }
    }
}

/// The line about the tag bears the tag as its id.
fn is_layer(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn layer<'a>(progress: &'a mut PullProgress, id: &str) -> &'a mut LayerProgress {
    let known = progress.layers.iter().position(|layer| layer.id == id);
    let index = known.unwrap_or_else(|| {
        progress.layers.push(LayerProgress {
            id: id.to_owned(),
            status: String::new(),
            current_bytes: 0,
            total_bytes: None,
        });
        progress.layers.len() - 1
    });
    &mut progress.layers[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> PullLine {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn layers_are_followed_each_by_its_id() {
        let mut progress = PullProgress::default();
        for text in [
            r#"{"status":"Pulling from a","id":"latest"}"#,
            r#"{"status":"Pulling fs layer","progressDetail":{},"id":"aaaaaaaaaaaa"}"#,
            r#"{"status":"Downloading","progressDetail":{"current":5,"total":9},"id":"aaaaaaaaaaaa"}"#,
            r#"{"status":"Already exists","progressDetail":{},"id":"bbbbbbbbbbbb"}"#,
        ] {
            line(text).apply(&mut progress);
        }
        let layers: Vec<_> = progress
            .layers
            .iter()
            .map(|layer| {
                (
                    layer.id.as_str(),
                    layer.status.as_str(),
                    layer.current_bytes,
                    layer.total_bytes,
                )
            })
            .collect();
        let expected = [
            ("aaaaaaaaaaaa", "Downloading", 5, Some(9)),
            ("bbbbbbbbbbbb", "Already exists", 0, None),
        ];
        assert_eq!(layers, expected);
        line(r#"{"status":"Pull complete","progressDetail":{},"id":"aaaaaaaaaaaa"}"#)
            .apply(&mut progress);
        assert_eq!(progress.layers[0].current_bytes, 9);
    }

    #[test]
    fn an_error_line_is_a_failure_and_a_countdown_no_progress() {
        let failed =
            line(r#"{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}"#);
        assert_eq!(failed.failure().as_deref(), Some("unexpected EOF"));
        assert!(!line(r#"{"status":"Retrying in 4 seconds","id":"aaaaaaaaaaaa"}"#).is_progress());
    }
}
