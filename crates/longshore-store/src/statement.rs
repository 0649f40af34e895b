//! One statement with its values, for whichever database is behind the store.
//!
//! All columns are texts or whole numbers, which both databases take as they are; so do both take
//! the statements' texts.

use sqlx::database::HasStatementCache;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Encode, Type};

use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::postgres;

/// A value that is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
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

/// The text of a statement.
enum Text {
    /// With `$1`, `$2`, … for its values.
    Fixed(&'static str),
    /// With `?` for each value: SQLite takes a time that grows with their square to find thousands
    /// of values by name. A server gets numbers.
    Built(String),
}

/// A statement in the course of being put together.
pub(crate) struct Statement {
    text: Text,
    values: Vec<Value>,
    is_usual: bool,
}

/// A statement with this text; its values are bound in the order of `$1`, `$2`, …
pub(crate) fn query(text: &'static str) -> Statement {
    Statement::new(Text::Fixed(text), Vec::new())
}

impl Statement {
    fn new(text: Text, values: Vec<Value>) -> Self {
        Self {
            text,
            values,
            is_usual: true,
        }
    }

    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Whether the text comes again and again, so that it is worth being prepared once and kept.
    pub(crate) fn usual(mut self, is_usual: bool) -> Self {
        self.is_usual = is_usual;
        self
    }

    /// Carries it out; says how many rows it changed.
    pub(crate) async fn execute(self, db: &mut Connection) -> Result<u64, StoreError> {
        Ok(match db {
            Connection::Sqlite(db) => self.bound().execute(&mut **db).await?.rows_affected(),
            Connection::Postgres(db) => {
                let query = self.for_postgres().bound();
                let answer = postgres::within(query.execute(db.connection()?)).await;
                db.heard(answer)?.rows_affected()
            }
        })
    }

    /// Carries it out and reads all rows.
    pub(crate) async fn fetch_all(self, db: &mut Connection) -> Result<Vec<Row>, StoreError> {
        Ok(match db {
            Connection::Sqlite(db) => {
                let rows = self.bound().fetch_all(&mut **db).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Connection::Postgres(db) => {
                let query = self.for_postgres().bound();
                let answer = postgres::within(query.fetch_all(db.connection()?)).await;
                let rows = db.heard(answer)?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Carries it out and reads the first row, if there is one.
    pub(crate) async fn fetch_optional(
        self,
        db: &mut Connection,
    ) -> Result<Option<Row>, StoreError> {
        Ok(match db {
            Connection::Sqlite(db) => {
                let row = self.bound().fetch_optional(&mut **db).await?;
                row.map(Row::Sqlite)
            }
            Connection::Postgres(db) => {
                let query = self.for_postgres().bound();
                let answer = postgres::within(query.fetch_optional(db.connection()?)).await;
                let row = db.heard(answer)?;
                row.map(Row::Postgres)
            }
        })
    }

    /// Carries it out and reads the row that is always there.
    pub(crate) async fn fetch_one(self, db: &mut Connection) -> Result<Row, StoreError> {
        let row = self.fetch_optional(db).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    fn for_postgres(mut self) -> Self {
        let texts = self.values.iter_mut().filter_map(|value| match value {
            Value::Text(text) => text.as_mut(),
            Value::Number(_) => None,
        });
        texts.for_each(postgres::make_fit);
        if let Text::Built(text) = &mut self.text {
            *text = numbered(text);
        }
        self
    }

    fn bound<D>(self) -> Query<'static, D, D::Arguments>
    where
        D: sqlx::Database + HasStatementCache,
        Option<String>: for<'q> Encode<'q, D> + Type<D>,
        Option<i64>: for<'q> Encode<'q, D> + Type<D>,
    {
        let query = match self.text {
            Text::Fixed(text) => sqlx::query(text),
            // Only texts of this crate get in, and places for values.
            Text::Built(text) => sqlx::query(AssertSqlSafe(text)),
        };
        self.values.into_iter().fold(
            query.persistent(self.is_usual),
            |query, value| match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            },
        )
    }
}

/// A statement whose text depends on what is asked for.
pub(crate) struct Builder {
    text: String,
    values: Vec<Value>,
}

impl Builder {
    /// Begins with this text.
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('?');
        self
    }

    /// Adds values, with commas between them.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// Adds a `VALUES` clause: the values of each row.
    pub(crate) fn push_rows<const N: usize>(
        &mut self,
        rows: impl IntoIterator<Item = [Value; N]>,
    ) -> &mut Self {
        self.push("VALUES ");
        for (index, row) in rows.into_iter().enumerate() {
            self.push(if index > 0 { ", (" } else { "(" });
            self.push_list(row).push(")");
        }
        self
    }

    /// The statement.
    pub(crate) fn build(self) -> Statement {
        Statement::new(Text::Built(self.text), self.values)
    }
}

/// The same text with `$1`, `$2`, … for its values.
fn numbered(text: &str) -> String {
    let mut pieces = text.split('?');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.enumerate().fold(first, |mut text, (index, piece)| {
        text.push('$');
        text.push_str(&(index + 1).to_string());
        text.push_str(piece);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_for_values_are_numbered_in_their_order() {
        let mut builder = Builder::new("INSERT INTO t (a, b) ");
        builder.push_rows([[1.into(), "x".into()], [2.into(), "y".into()]]);
        builder.push(" RETURNING a");
        let text = "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) RETURNING a";
        assert_eq!(numbered(&builder.text), text);
        let statement = builder.build();
        let values: [Value; 4] = [1.into(), "x".into(), 2.into(), "y".into()];
        assert_eq!(statement.values, values);
    }
}
