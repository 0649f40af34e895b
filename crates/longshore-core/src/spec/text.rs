//! How a value type speaks: one text form for flags, files and JSON, and one error text.
//!
//! Every type of the spec parses by `FromStr` and prints by `Display`; the macros here carry that
//! form over to serde and to the JSON Schema, so that a flag and a file never disagree.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{Schema, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

/// Longest part of a refused value that an error repeats.
const SHOWN_CHARS: usize = 80;

/// A text that is no value of its type: what it should have been and what to type instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} `{shown}`: {hint}")]
pub struct InvalidValue {
    what: &'static str,
    shown: String,
    hint: Cow<'static, str>,
}

impl InvalidValue {
    /// Refuses `text` as a `what`; `hint` says what to type.
    pub fn new(what: &'static str, text: &str, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what,
            shown: shorten(text),
            hint: hint.into(),
        }
    }

    /// What the text should have been, such as "size".
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Why it was refused and what to type.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

fn shorten(text: &str) -> String {
    let mut escaped = text.escape_debug();
    let mut shown: String = escaped.by_ref().take(SHOWN_CHARS).collect();
    if escaped.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Which scalars a file may use for a value besides its text form.
#[derive(Clone, Copy)]
pub(crate) enum Accepts {
    /// Only text.
    Text,
    /// Also integers, where a person would leave the quotes out.
    Integer,
    /// Also integers and decimal numbers.
    Number,
}

/// Serde and JSON Schema for a type through its text form.
macro_rules! text_value {
    ($type:ident, $accepts:ident, $description:literal, $example:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        $crate::spec::text::parsed_value!($type, $accepts, $description, $example);
    };
}

/// Like `text_value`, but written as an integer (needs `From<$type> for i64`).
macro_rules! integer_value {
    ($type:ident, $description:literal, $example:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(i64::from(*self))
            }
        }
        $crate::spec::text::parsed_value!($type, Integer, $description, $example);
    };
}

/// The reading half of `text_value`, and the schema.
macro_rules! parsed_value {
    ($type:ident, $accepts:ident, $description:literal, $example:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let accepts = $crate::spec::text::Accepts::$accepts;
                $crate::spec::text::deserialize_scalar(from, accepts, $description)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let accepts = $crate::spec::text::Accepts::$accepts;
                $crate::spec::text::scalar_schema(accepts, $description, $example)
            }
        }
    };
}

pub(crate) use {integer_value, parsed_value, text_value};

/// Reads a scalar and parses its text form.
pub(crate) fn deserialize_scalar<'de, D, T>(
    from: D,
    accepts: Accepts,
    expecting: &'static str,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    from.deserialize_any(ScalarVisitor {
        accepts,
        expecting,
        value: PhantomData,
    })
}

/// The schema of a value that is read by [`deserialize_scalar`].
pub(crate) fn scalar_schema(accepts: Accepts, description: &str, example: &str) -> Schema {
    match accepts {
        Accepts::Text => json_schema!({
            "type": "string", "description": description, "examples": [example],
        }),
        Accepts::Integer => json_schema!({
            "type": ["string", "integer"], "description": description, "examples": [example],
        }),
        Accepts::Number => json_schema!({
            "type": ["string", "number"], "description": description, "examples": [example],
        }),
    }
}

/// Reads a text form or a table that becomes the same value.
pub(crate) fn deserialize_text_or_table<'de, D, T, Table>(
    from: D,
    expecting: &'static str,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display> + TryFrom<Table, Error: fmt::Display>,
    Table: DeserializeOwned,
{
    from.deserialize_any(TextOrTableVisitor {
        expecting,
        value: PhantomData,
    })
}

struct ScalarVisitor<T> {
    accepts: Accepts,
    expecting: &'static str,
    value: PhantomData<T>,
}

impl<T: FromStr<Err: fmt::Display>> ScalarVisitor<T> {
    fn integer<E: Error>(&self, number: i128) -> Result<T, E> {
        match self.accepts {
            Accepts::Integer | Accepts::Number => parse(&number.to_string()),
            Accepts::Text => Err(E::custom(format!(
                "invalid type: integer `{number}`, expected {}; put it in quotes",
                self.expecting
            ))),
        }
    }
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        parse(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.integer(i128::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.integer(i128::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        match self.accepts {
            Accepts::Number => parse(&number.to_string()),
            Accepts::Text | Accepts::Integer => {
                Err(E::invalid_type(serde::de::Unexpected::Float(number), &self))
            }
        }
    }
}

struct TextOrTableVisitor<T, Table> {
    expecting: &'static str,
    value: PhantomData<(T, Table)>,
}

impl<'de, T, Table> Visitor<'de> for TextOrTableVisitor<T, Table>
where
    T: FromStr<Err: fmt::Display> + TryFrom<Table, Error: fmt::Display>,
    Table: DeserializeOwned,
{
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        parse(text)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        T::try_from(table).map_err(A::Error::custom)
    }
}

fn parse<T: FromStr<Err: fmt::Display>, E: Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

/// Whether `text` is a name as the Docker Engine takes it for volumes, networks and aliases.
pub(crate) fn is_docker_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
