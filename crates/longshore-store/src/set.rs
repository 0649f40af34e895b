//! One statement for a whole set of rows, which it reads like a table.
//!
//! The statement's text names the columns of its set in brackets, where a table would stand: `UPDATE
//! jobs SET host_id = said.host FROM [job, host] AS said WHERE jobs.id = said.job`. The text is the
//! same for any number of rows, so that it is prepared once: a server is given one array for each
//! column, SQLite the rows as one JSON text.

use crate::columns::json;
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::postgres;
use crate::statement::Statement;
use crate::values::{Column, Value};

/// A statement with its rows. Without rows it does nothing.
pub(crate) struct Set<const N: usize> {
    text: &'static str,
    rows: Vec<[Value; N]>,
}

impl<const N: usize> Set<N> {
    pub(crate) fn new(text: &'static str, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        let rows = rows.into_iter().collect();
        Self { text, rows }
    }

    /// Carries it out; says how many rows it changed.
    pub(crate) async fn execute(self, db: &mut Connection) -> Result<u64, StoreError> {
        if self.rows.is_empty() {
            return Ok(0);
        }
        self.statement(db).execute(db).await
    }

    /// Carries it out and reads all rows.
    pub(crate) async fn fetch_all(self, db: &mut Connection) -> Result<Vec<Row>, StoreError> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        self.statement(db).fetch_all(db).await
    }

    fn statement(mut self, db: &Connection) -> Statement {
        // Neither an array of a server nor a JSON text of SQLite holds one with the number zero.
        let values = self.rows.iter_mut().flatten();
        values
            .filter_map(Value::text_mut)
            .for_each(postgres::make_fit);
        match db {
            Connection::Sqlite(_) => {
                let rows: Vec<&[Value]> = self.rows.iter().map(<[Value; N]>::as_slice).collect();
                Statement::built(for_sqlite(self.text)).bind(json(&rows))
            }
            Connection::Postgres(_) => {
                let columns = columns(self.rows);
                let text = for_postgres(self.text, &columns);
                Statement::built(text).with_columns(columns)
            }
        }
    }
}

/// The rows turned round.
fn columns<const N: usize>(rows: Vec<[Value; N]>) -> Vec<Column> {
    let mut columns: Vec<Column> = rows[0].iter().map(Column::of).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// The text with a `SELECT` in the place of the names in brackets.
fn expanded(text: &'static str, select: impl FnOnce(&'static str) -> String) -> String {
    let parts = text.split_once('[').and_then(|(before, rest)| {
        let (names, after) = rest.split_once(']')?;
        Some((before, names, after))
    });
    let (before, names, after) = parts.expect("the text of a set names its columns");
    format!("{before}({}){after}", select(names))
}

/// As SQLite takes it.
pub(crate) fn for_sqlite(text: &'static str) -> String {
    expanded(text, |names| {
        let names = names.split(", ").enumerate();
        let cells: Vec<String> = names
            .map(|(index, name)| format!("value ->> {index} AS {name}"))
            .collect();
        format!("SELECT {} FROM json_each(?)", cells.join(", "))
    })
}

/// As a server takes it.
fn for_postgres(text: &'static str, columns: &[Column]) -> String {
    expanded(text, |names| {
        let arrays: Vec<&str> = columns.iter().map(Column::place).collect();
        format!(
            "SELECT * FROM UNNEST({}) AS rows ({names})",
            arrays.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "DELETE FROM t WHERE a IN (SELECT a FROM [a, b] AS said)";

    #[test]
    fn each_database_is_told_the_rows_its_own_way() {
        let sqlite = "DELETE FROM t WHERE a IN (SELECT a FROM (SELECT value ->> 0 AS a, \
            value ->> 1 AS b FROM json_each(?)) AS said)";
        assert_eq!(for_sqlite(TEXT), sqlite);
        let columns = columns(vec![[1.into(), "x".into()], [2.into(), "y".into()]]);
        let postgres = "DELETE FROM t WHERE a IN (SELECT a FROM (SELECT * FROM \
            UNNEST(?::bigint[], ?::text[]) AS rows (a, b)) AS said)";
        assert_eq!(for_postgres(TEXT, &columns), postgres);
        let texts = [Some("x".to_owned()), Some("y".to_owned())];
        assert_eq!(
            columns,
            [
                Column::Numbers(vec![Some(1), Some(2)]),
                Column::Texts(texts.into())
            ]
        );
    }
}
