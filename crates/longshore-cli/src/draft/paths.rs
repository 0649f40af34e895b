//! Paths inside values are relative to where they were written: the caller's folder for flags, the
//! file's own folder for job files.

use std::path::Path;

use serde_json::Value;

use super::Draft;

/// Makes the relative paths of a field absolute.
pub(super) fn anchor(key: &str, value: Value, folder: &Path) -> Value {
    let anchor_text: fn(&str, &Path) -> String = match key {
        "env_file" => anchor_file,
        "volumes" => anchor_mount,
        _ => return value,
    };
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| anchor_item(item, folder, anchor_text))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            value
        }
    }
}

fn anchor_item(item: Value, folder: &Path, anchor_text: fn(&str, &Path) -> String) -> Value {
    match item {
        Value::String(text) => Value::String(anchor_text(&text, folder)),
        Value::Object(mut table) => {
            if let Some(Value::String(source)) = table.get("source") {
                let source = anchor_mount(source, folder);
                table.insert("source".to_owned(), source.into());
            }
            Value::Object(table)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => other,
    }
}

fn anchor_file(path: &str, folder: &Path) -> String {
    if path.trim().is_empty() {
        return path.to_owned();
    }
    folder.join(path).to_string_lossy().into_owned()
}

/// Only what begins with a dot is a relative path; anything else without a slash names a volume.
fn anchor_mount(mount: &str, folder: &Path) -> String {
    let is_relative = mount == "."
        || mount == ".."
        || [".:", "..:", "./", "../"]
            .iter()
            .any(|start| mount.starts_with(start));
    if !is_relative {
        return mount.to_owned();
    }
    format!("{}/{mount}", folder.to_string_lossy().trim_end_matches('/'))
}

/// Replaces `seccomp=FILE` by the file's content: the engine wants the profile itself.
pub(super) fn read_seccomp(draft: &mut Draft, folder: &Path) {
    let origin = draft.origin("security_opt");
    let Some(Value::Array(options)) = draft
        .fields
        .get_mut("security_opt")
        .map(|field| &mut field.value)
    else {
        return;
    };
    let mut problems = Vec::new();
    for option in options {
        let Some(path) = option
            .as_str()
            .and_then(seccomp_file)
            .map(|path| folder.join(path))
        else {
            continue;
        };
        match std::fs::read_to_string(&path) {
            Ok(profile) => *option = format!("seccomp={}", profile.trim()).into(),
            Err(error) => problems.push(format!("cannot read {}: {error}", path.display())),
        }
    }
    for problem in problems {
        draft.refuse(origin.clone(), problem);
    }
}

fn seccomp_file(option: &str) -> Option<&str> {
    let profile = option
        .strip_prefix("seccomp=")
        .or_else(|| option.strip_prefix("seccomp:"))?;
    let is_file = !matches!(profile, "" | "builtin" | "unconfined") && !profile.starts_with('{');
    is_file.then_some(profile)
}
