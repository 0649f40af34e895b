//! How values of the domain stand in columns, and how they are read back.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use longshore_core::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

use crate::database::Row;
use crate::error::StoreError;

/// A time as nanoseconds since the epoch. Exact until the year 2262; later times mean "never".
pub(crate) fn time(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_second() < 0 {
        i64::MIN
    } else {
        i64::MAX
    })
}

/// A length of time in nanoseconds.
pub(crate) fn length(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// An amount of something; more than the column holds is all that it holds.
pub(crate) fn amount(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A structure as JSON text.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types have string keys and no failing serializer")
}

/// One row in the course of being read; its errors name table and row.
pub(crate) struct Cells<'r> {
    table: &'static str,
    row: &'r Row,
}

impl<'r> Cells<'r> {
    pub(crate) fn new(table: &'static str, row: &'r Row) -> Self {
        Self { table, row }
    }

    /// A value as the database gives it.
    pub(crate) fn get<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        self.cell(column)
            .map_err(|error| self.unreadable(column, &error))
    }

    /// A text that one of our types reads.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        text.parse()
            .map_err(|error| self.unreadable(column, &error))
    }

    /// Like [`Self::parse`], for a column that may be empty.
    pub(crate) fn parse_option<T: FromStr<Err: Display>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| {
            text.parse()
                .map_err(|error| self.unreadable(column, &error))
        })
        .transpose()
    }

    /// A structure that is kept as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(column, &error))
    }

    /// Like [`Self::json`], for a column that may be empty.
    pub(crate) fn json_option<T: DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| {
            serde_json::from_str(&text).map_err(|error| self.unreadable(column, &error))
        })
        .transpose()
    }

    /// A time.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        let nanoseconds: i64 = self.get(column)?;
        self.timestamp(column, nanoseconds)
    }

    /// A time that may be absent.
    pub(crate) fn time_option(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let nanoseconds: Option<i64> = self.get(column)?;
        nanoseconds
            .map(|nanoseconds| self.timestamp(column, nanoseconds))
            .transpose()
    }

    /// A number of a smaller type than the column's.
    pub(crate) fn number<T: TryFrom<i64, Error: Display>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|error| self.unreadable(column, &error))
    }

    /// Like [`Self::number`], for a column that may be empty.
    pub(crate) fn number_option<T: TryFrom<i64, Error: Display>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.get(column)?;
        number
            .map(|number| T::try_from(number).map_err(|error| self.unreadable(column, &error)))
            .transpose()
    }

    /// The error that this row cannot be read.
    pub(crate) fn unreadable(&self, column: &str, error: &dyn Display) -> StoreError {
        let id = ["id", "name", "key"]
            .into_iter()
            .find_map(|key| self.cell::<String>(key).ok())
            .or_else(|| {
                let sequence = self.cell::<i64>("sequence");
                sequence.ok().map(|key| key.to_string())
            });
        StoreError::Unreadable {
            table: self.table,
            id: id.unwrap_or_else(|| "?".into()),
            reason: format!("column `{column}`: {error}"),
        }
    }

    fn cell<T>(&self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self.row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }

    fn timestamp(&self, column: &str, nanoseconds: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_nanosecond(i128::from(nanoseconds))
            .map_err(|error| self.unreadable(column, &error))
    }
}
