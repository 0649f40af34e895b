//! The values that statements are given: texts and whole numbers, each of which may be absent.

use serde::{Serialize, Serializer};

/// A value that is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Value {
    /// The text, if it is one.
    pub(crate) fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Text(text) => text.as_mut(),
            Self::Number(_) => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
        }
    }
}

/// All values of one column of a set, as a server takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i64>>),
}

impl Column {
    /// An empty one for values like this.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Text(_) => Self::Texts(Vec::new()),
            Value::Number(_) => Self::Numbers(Vec::new()),
        }
    }

    /// Adds a value of its kind.
    pub(crate) fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Texts(texts), Value::Text(text)) => texts.push(text),
            (Self::Numbers(numbers), Value::Number(number)) => numbers.push(number),
            (Self::Texts(_), Value::Number(_)) | (Self::Numbers(_), Value::Text(_)) => {
                unreachable!("all rows of a set have the same columns")
            }
        }
    }

    /// Its place in a text.
    pub(crate) fn place(&self) -> &'static str {
        match self {
            Self::Texts(_) => "?::text[]",
            Self::Numbers(_) => "?::bigint[]",
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map(str::to_owned).into()
    }
}

impl From<Option<&String>> for Value {
    fn from(text: Option<&String>) -> Self {
        text.cloned().into()
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        text.clone().into()
    }
}
