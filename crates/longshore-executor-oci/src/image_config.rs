//! What of an image's configuration matters for its containers.

use std::collections::BTreeMap;

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use longshore_image::StoredImage;
use serde::Deserialize;
use serde_json::Value;

/// How containers of an image are to be, unless a job says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ImageConfig {
    pub(crate) user: Option<String>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) working_dir: Option<String>,
    pub(crate) stop_signal: Option<String>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "names")]
    pub(crate) volumes: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    config: Option<ImageConfig>,
}

/// Reads what an image says of its containers.
pub(crate) fn read(image: &StoredImage) -> Result<ImageConfig, ExecutorError> {
    parse(image.config()).map_err(|why| {
        let text = format!("the configuration of {} cannot be read", image.name());
        ExecutorError::new(Fault::Configuration, text).with_source(why)
    })
}

fn parse(text: &[u8]) -> serde_json::Result<ImageConfig> {
    let document: Document = serde_json::from_slice(text)?;
    Ok(document.config.unwrap_or_default())
}

/// The names of something that is a table with nothing in its places.
fn names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let table: Option<BTreeMap<String, Value>> = Option::deserialize(from)?;
    Ok(table.unwrap_or_default().into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builders_leave_out_or_set_to_null_is_nothing() {
        for text in ["{}", r#"{"config":null}"#, r#"{"config":{}}"#] {
            assert_eq!(parse(text.as_bytes()).unwrap(), ImageConfig::default());
        }
        let nulls = r#"{"config":{"User":"","Env":null,"Cmd":null,"Volumes":null,"Labels":null}}"#;
        let read = parse(nulls.as_bytes()).unwrap();
        assert_eq!(read.user.as_deref(), Some(""));
        assert_eq!((read.cmd, read.volumes), (None, Vec::new()));
    }

    #[test]
    fn volumes_are_the_names_of_a_table() {
        let text = r#"{"config":{"Volumes":{"/data":{},"/a":{}}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().volumes, ["/a", "/data"]);
    }
}
