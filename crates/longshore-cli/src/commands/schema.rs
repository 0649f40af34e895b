//! `schema`: the JSON Schema of job files, for editors and checks.

use longshore_core::spec::JobSpec;

use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views;
use crate::session::Session;

pub(super) fn run(session: &Session) -> Result<u8, Failure> {
    session.console.print(&views::pretty(&job_file_schema()))?;
    Ok(SUCCESS)
}

/// A file is one bare job, or a list of them under `job`.
fn job_file_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(JobSpec).to_value();
    let mut bare = serde_json::Map::new();
    if let Some(fields) = schema.as_object_mut() {
        let of_job = |key: &String| !matches!(key.as_str(), "$schema" | "$defs" | "title");
        let keys: Vec<String> = fields.keys().filter(|key| of_job(key)).cloned().collect();
        bare.extend(keys.into_iter().filter_map(|key| fields.remove_entry(&key)));
    }
    let definitions = schema["$defs"].take();
    let mut definitions = definitions.as_object().cloned().unwrap_or_default();
    definitions.insert("Job".to_owned(), bare.into());
    let job = serde_json::json!({ "$ref": "#/$defs/Job" });
    serde_json::json!({
        "$schema": schema["$schema"],
        "title": "longshore job file",
        "anyOf": [
            job,
            {
                "type": "object",
                "properties": { "job": { "type": "array", "items": job, "minItems": 1 } },
                "required": ["job"],
                "additionalProperties": false,
            },
        ],
        "$defs": definitions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_one_job_and_many() {
        let schema = job_file_schema();
        assert_eq!(
            schema["anyOf"][1]["properties"]["job"]["items"]["$ref"],
            "#/$defs/Job"
        );
        assert_eq!(schema["$defs"]["Job"]["additionalProperties"], false);
        assert!(schema["$defs"]["Job"]["properties"]["memory"].is_object());
    }
}
