//! Flags over a draft.

use longshore_core::spec::MountFlag;
use serde_json::{Value, json};

use super::{Draft, Origin, paths};
use crate::args::{Flag, Given, JobArgs, Shape};
use crate::surroundings::Surroundings;

/// Variable that names the owner of jobs that name none.
const OWNER: &str = "LONGSHORE_OWNER";

/// Lays what was typed over the draft of a file, or over an empty one.
pub(crate) fn overlay(draft: &mut Draft, args: &JobArgs, around: &Surroundings) {
    if let Some((image, command)) = args.argv.split_first() {
        draft.set("image", json!(image), Origin::Argument("IMAGE"));
        if !command.is_empty() {
            draft.set("command", json!(command), Origin::Argument("COMMAND"));
        }
    }
    let mut cleared = Vec::new();
    for given in &args.flags.given {
        // `--volume` and `--mount` fill one list: the file's goes once, ours stays.
        if given.flag.shape.extends_list() && !cleared.contains(&given.flag.key) {
            clear_list(draft, given);
            cleared.push(given.flag.key);
        }
        apply(draft, given, around);
    }
    if let (false, Some(owner)) = (
        draft.fields.contains_key("owner"),
        around.variables.get(OWNER),
    ) {
        draft.set("owner", json!(owner), Origin::Argument(OWNER));
    }
    paths::read_seccomp(draft, &around.folder);
}

impl Shape {
    fn extends_list(self) -> bool {
        match self {
            Self::List | Self::Numbers | Self::Words | Self::Mount => true,
            Self::One
            | Self::Number
            | Self::On
            | Self::Off
            | Self::Variable
            | Self::Label
            | Self::Program
            | Self::Alias => false,
        }
    }
}

fn clear_list(draft: &mut Draft, given: &Given) {
    draft.set(given.flag.key, json!([]), Origin::Flag(given.flag.long));
}

fn apply(draft: &mut Draft, given: &Given, around: &Surroundings) {
    let key = given.flag.key;
    let origin = Origin::Flag(given.flag.long);
    let last = given.values.last().map(String::as_str).unwrap_or_default();
    match given.flag.shape {
        Shape::One => draft.set(key, json!(last), origin),
        Shape::On => draft.set(key, json!(true), origin),
        Shape::Off => draft.set(key, json!(false), origin),
        Shape::Number => set_number(draft, key, last, origin),
        Shape::Program if last.is_empty() => draft.set(key, json!([]), origin),
        Shape::Program => draft.set(key, json!([last]), origin),
        Shape::List => {
            let anchored = paths::anchor(key, json!(given.values), &around.folder);
            extend(draft, key, anchored, &origin);
        }
        Shape::Numbers => add_numbers(draft, given, &origin),
        Shape::Words => {
            let words: Vec<&str> = between_commas(given).collect();
            extend(draft, key, json!(words), &origin);
        }
        Shape::Variable => given
            .values
            .iter()
            .for_each(|text| set_variable(draft, text, around)),
        Shape::Label => given
            .values
            .iter()
            .for_each(|text| set_label(draft, given.flag, text)),
        Shape::Mount => given
            .values
            .iter()
            .for_each(|text| add_mount(draft, text, around)),
        Shape::Alias => add_aliases(draft, &given.values),
    }
}

fn set_number(draft: &mut Draft, key: &str, text: &str, origin: Origin) {
    match text.parse::<u32>() {
        Ok(number) => draft.set(key, json!(number), origin),
        Err(_) => draft.refuse(
            origin,
            format!("`{text}` is no whole number: use 0 or more"),
        ),
    }
}

fn extend(draft: &mut Draft, key: &str, items: Value, origin: &Origin) {
    let field = draft
        .fields
        .entry(key.to_owned())
        .or_insert_with(|| super::Field {
            value: json!([]),
            origin: origin.clone(),
        });
    if let (Value::Array(list), Value::Array(items)) = (&mut field.value, items) {
        list.extend(items);
    }
}

fn between_commas(given: &Given) -> impl Iterator<Item = &str> {
    let texts = given.values.iter().flat_map(|values| values.split(','));
    texts.map(str::trim)
}

fn add_numbers(draft: &mut Draft, given: &Given, origin: &Origin) {
    for text in between_commas(given) {
        match text.parse::<i32>() {
            Ok(number) => extend(draft, given.flag.key, json!([number]), origin),
            Err(_) => draft.refuse(
                origin.clone(),
                format!("`{text}` is no exit code: use numbers such as 75,111"),
            ),
        }
    }
}

fn set_variable(draft: &mut Draft, text: &str, around: &Surroundings) {
    let origin = Origin::Flag("env");
    match text.split_once('=') {
        // The value may be a secret: it is not repeated.
        Some(("", _)) => draft.refuse(origin, "the name before `=` is missing: use NAME=VALUE"),
        Some((name, value)) => draft.set(format!("env.{name}"), json!(value), origin),
        None if text.is_empty() => draft.refuse(origin, "it is empty: use NAME=VALUE or NAME"),
        None => {
            if let Some(value) = around.variables.get(text) {
                draft.set(format!("env.{text}"), json!(value), origin);
            }
        }
    }
}

fn set_label(draft: &mut Draft, flag: &Flag, text: &str) {
    let origin = Origin::Flag(flag.long);
    match text.split_once('=').unwrap_or((text, "")) {
        ("", _) => draft.refuse(origin, "the key is missing: use KEY=VALUE"),
        (key, value) => draft.set(format!("{}.{key}", flag.key), json!(value), origin),
    }
}

fn add_mount(draft: &mut Draft, text: &str, around: &Surroundings) {
    let origin = Origin::Flag("mount");
    let anchored = text
        .split(',')
        .map(|field| match field.split_once('=') {
            Some((name @ ("source" | "src"), path)) => {
                let path = paths::anchor("volumes", json!([path]), &around.folder);
                format!("{name}={}", path[0].as_str().unwrap_or_default())
            }
            Some(_) | None => field.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",");
    match anchored.parse() {
        Ok(MountFlag::Mount(mount)) => extend(draft, "volumes", json!([mount]), &origin),
        Ok(MountFlag::Tmpfs(tmpfs)) => extend(draft, "tmpfs", json!([tmpfs]), &origin),
        Err(invalid) => draft.refuse(origin, invalid.to_string()),
    }
}

/// Docker gives aliases on the one network of a container; here they belong to the last one named.
fn add_aliases(draft: &mut Draft, aliases: &[String]) {
    let network = draft
        .fields
        .get_mut("networks")
        .and_then(|field| field.value.as_array_mut());
    let Some(Value::String(last)) = network.and_then(|list| list.last_mut()) else {
        let text = "an alias needs a network of your own: add --network NAME";
        return draft.refuse(Origin::Flag("network-alias"), text);
    };
    let separator = if last.contains(':') { ',' } else { ':' };
    last.push(separator);
    last.push_str(&aliases.join(","));
}
