//! One statement for a whole set of rows, which it reads like a table.
//!
//! The statement's text names the columns of its set in brackets, where a table would stand: `UPDATE
//! jobs SET host_id = said.host FROM [job, host] AS said WHERE jobs.id = said.job`. The text is the
//! same for any number of rows, so that it is prepared once: a server is given one array for each
//! column, SQLite the rows as one JSON text; or, of many, a full number with a place for each value,
//! which it reads faster.

use longshore_core::limits::STORE_ROWS;

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
        let mut changed = 0;
        for statement in self.statements(db) {
            changed += statement.execute(db).await?;
        }
        Ok(changed)
    }

    /// Carries it out and reads all rows.
    pub(crate) async fn fetch_all(self, db: &mut Connection) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for statement in self.statements(db) {
            rows.append(&mut statement.fetch_all(db).await?);
        }
        Ok(rows)
    }

    /// One after the other; none without rows.
    fn statements(mut self, db: &Connection) -> Vec<Statement> {
        // Neither an array of a server nor a JSON text of SQLite holds one with the number zero.
        let values = self.rows.iter_mut().flatten();
        values
            .filter_map(Value::text_mut)
            .for_each(postgres::make_fit);
        match db {
            Connection::Sqlite(_) => {
                let parts = self.rows.chunks(STORE_ROWS);
                parts.map(|part| part_for_sqlite(self.text, part)).collect()
            }
            Connection::Postgres(_) if self.rows.is_empty() => Vec::new(),
            Connection::Postgres(_) => {
                let columns = columns(self.rows);
                let text = for_postgres(self.text, &columns);
                vec![Statement::built(text).with_columns(columns)]
            }
        }
    }
}

/// Some rows: a full number of them as values, fewer as JSON.
fn part_for_sqlite<const N: usize>(text: &'static str, rows: &[[Value; N]]) -> Statement {
    if rows.len() == STORE_ROWS {
        let statement = Statement::built(for_sqlite_in_full(text));
        return rows
            .iter()
            .flatten()
            .cloned()
            .fold(statement, Statement::bind);
    }
    let rows: Vec<&[Value]> = rows.iter().map(<[Value; N]>::as_slice).collect();
    Statement::built(for_sqlite(text)).bind(json(&rows))
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

/// The same with places for the values of a full number of rows.
fn for_sqlite_in_full(text: &'static str) -> String {
    expanded(text, |names| {
        let names: Vec<&str> = names.split(", ").collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        let columns = names.iter().enumerate();
        let columns: Vec<String> = columns
            .map(|(index, name)| format!("column{} AS {name}", index + 1))
            .collect();
        let rows = vec![row; STORE_ROWS].join(", ");
        format!("SELECT {} FROM (VALUES {rows})", columns.join(", "))
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
        let full = "DELETE FROM t WHERE a IN (SELECT a FROM (SELECT column1 AS a, \
            column2 AS b FROM (VALUES (?, ?), (?, ?), ";
        assert!(for_sqlite_in_full(TEXT).starts_with(full));
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
