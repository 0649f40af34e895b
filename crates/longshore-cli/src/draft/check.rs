//! From a draft to a spec: every field alone first, so that all that is wrong is said at once.

use longshore_core::spec::JobSpec;
use serde_json::{Map, Value, json};

use super::{Draft, Field, Origin, Problem, split_table};

/// Stands in for an image that is missing or wrong while the other fields are checked.
const STAND_IN: &str = "stand-in";

/// A draft after its fields were read.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The spec of all fields that are right.
    pub(crate) spec: JobSpec,
    /// Everything that is wrong with the others.
    pub(crate) problems: Vec<Problem>,
    /// The draft, for the origins of later problems.
    pub(crate) draft: Draft,
}

impl Draft {
    /// Reads every field.
    pub(crate) fn check(self) -> Checked {
        let mut problems = self.problems.clone();
        let mut good = Map::new();
        for (key, field) in &self.fields {
            match check_field(key, field) {
                Ok(()) => insert(&mut good, key, field.value.clone()),
                Err(problem) => problems.push(problem),
            }
        }
        if !self.fields.contains_key("image") {
            let text = "no image is named: type one, such as debian:13-slim";
            let origin = self.home.clone().unwrap_or(Origin::Argument("IMAGE"));
            problems.push(Problem::new(origin, text));
        }
        if !good.contains_key("image") {
            good.insert("image".to_owned(), json!(STAND_IN));
        }
        let spec = read_spec(good).unwrap_or_else(|text| {
            problems.push(Problem::new(self.origin("image"), text));
            stand_in()
        });
        problems.sort_by(|a, b| a.origin.cmp(&b.origin));
        Checked {
            spec,
            problems,
            draft: self,
        }
    }
}

impl Checked {
    /// Adds problems with the spec as a whole, at the places where its fields were written.
    pub(crate) fn add(&mut self, key: &str, text: String) {
        self.problems
            .push(Problem::new(self.draft.origin(key), text));
    }
}

fn check_field(key: &str, field: &Field) -> Result<(), Problem> {
    let refuse = |text: String| Problem::new(field.origin.clone(), text);
    let is_free = split_table(key)
        .is_some_and(|(table, _)| matches!(table, "env" | "labels" | "on" | "limits"));
    if !is_free && !JobSpec::known_keys().contains(key) {
        return Err(refuse(unknown_key(key)));
    }
    let mut alone = Map::new();
    alone.insert("image".to_owned(), json!(STAND_IN));
    insert(&mut alone, key, field.value.clone());
    let context = match &field.origin {
        Origin::File(..) => format!("{key}: "),
        Origin::Flag(_) | Origin::Argument(_) | Origin::Job => String::new(),
    };
    read_spec(alone)
        .map(|_| ())
        .map_err(|text| refuse(format!("{context}{text}")))
}

fn insert(table: &mut Map<String, Value>, key: &str, value: Value) {
    let Some((outer, inner)) = split_table(key) else {
        table.insert(key.to_owned(), value);
        return;
    };
    let slot = table.entry(outer).or_insert_with(|| json!({}));
    if let Some(fields) = slot.as_object_mut() {
        fields.insert(inner.to_owned(), value);
    }
}

fn read_spec(table: Map<String, Value>) -> Result<JobSpec, String> {
    serde_json::from_value(Value::Object(table)).map_err(|error| error.to_string())
}

fn stand_in() -> JobSpec {
    JobSpec::new(
        STAND_IN
            .parse()
            .expect("the stand-in is an image reference"),
    )
}

fn unknown_key(key: &str) -> String {
    match nearest(key, JobSpec::known_keys().iter().map(String::as_str)) {
        Some(known) => format!("unknown key `{key}`: did you mean `{known}`?"),
        None => format!("unknown key `{key}`: `longshore schema` lists them all"),
    }
}

/// The known word that is most like a mistyped one.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
