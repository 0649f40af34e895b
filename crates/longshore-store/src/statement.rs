//! One statement with its values, for whichever database is behind the store.
//!
//! All columns are texts or whole numbers, which both databases take as they are; so do both take
//! the statements' texts.

use sqlx::database::HasStatementCache;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Encode, Postgres, Type};

use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::postgres;
use crate::values::{Column, Value};

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
    /// Bound after the values; only for a server.
    columns: Vec<Column>,
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
            columns: Vec::new(),
            is_usual: true,
        }
    }

    /// A statement with `?` for each value.
    pub(crate) fn built(text: String) -> Self {
        Self::new(Text::Built(text), Vec::new())
    }

    /// Binds whole columns, for a server.
    pub(crate) fn with_columns(self, columns: Vec<Column>) -> Self {
        Self { columns, ..self }
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
                let query = self.for_postgres();
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
                let query = self.for_postgres();
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
                let query = self.for_postgres();
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

    fn for_postgres(mut self) -> Query<'static, Postgres, PgArguments> {
        let texts = self.values.iter_mut().filter_map(Value::text_mut);
        texts.for_each(postgres::make_fit);
        if let Text::Built(text) = &mut self.text {
            *text = numbered(text);
        }
        let columns = std::mem::take(&mut self.columns);
        let query = self.bound();
        columns
            .into_iter()
            .fold(query, |query, column| match column {
                Column::Texts(texts) => query.bind(texts),
                Column::Numbers(numbers) => query.bind(numbers),
            })
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
        let mut builder = Builder::new("SELECT a FROM t WHERE b = ");
        builder.push_bind("x").push(" AND a IN (");
        builder.push_list([1.into(), 2.into()]).push(")");
        let text = "SELECT a FROM t WHERE b = $1 AND a IN ($2, $3)";
        assert_eq!(numbered(&builder.text), text);
        let statement = builder.build();
        let values: [Value; 3] = ["x".into(), 1.into(), 2.into()];
        assert_eq!(statement.values, values);
    }
}
