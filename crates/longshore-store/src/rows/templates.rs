//! The table of environment templates.

use longshore_core::Timestamp;

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

const SAVE: &str = "INSERT INTO templates (name, text, description, updated_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
    text = excluded.text, description = excluded.description, updated_at = excluded.updated_at";
const GET: &str = "SELECT name, text, description, updated_at FROM templates WHERE name = $1";
const LIST: &str = "SELECT name, text, description, updated_at FROM templates ORDER BY name";
const DELETE: &str = "DELETE FROM templates WHERE name = $1";

/// A named environment text that jobs may start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// The environment text, as it was saved.
    pub text: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

/// Adds a template, or replaces the one of that name.
pub(crate) async fn save(db: &mut Connection, template: &Template) -> Result<(), StoreError> {
    query(SAVE)
        .bind(&template.name)
        .bind(&template.text)
        .bind(&template.description)
        .bind(time(template.updated_at))
        .execute(db)
        .await?;
    Ok(())
}

/// Reads one.
pub(crate) async fn get(db: &mut Connection, name: &str) -> Result<Option<Template>, StoreError> {
    let row = query(GET).bind(name).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// Reads all, by name.
pub(crate) async fn list(db: &mut Connection) -> Result<Vec<Template>, StoreError> {
    query(LIST).fetch_all(db).await?.iter().map(read).collect()
}

/// Removes one; `false` if there was none.
pub(crate) async fn delete(db: &mut Connection, name: &str) -> Result<bool, StoreError> {
    Ok(query(DELETE).bind(name).execute(db).await? > 0)
}

fn read(row: &Row) -> Result<Template, StoreError> {
    let cells = Cells::new("templates", row);
    Ok(Template {
        name: cells.get("name")?,
        text: cells.get("text")?,
        description: cells.get("description")?,
        updated_at: cells.time("updated_at")?,
    })
}
