//! Job files: TOML or JSON, one bare job or a list of `[[job]]` tables.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Draft, Field, Origin, Problem, TABLES, paths};

/// How a job file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileForm {
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

impl FileForm {
    /// By the name's ending, or by the first character where the name says nothing.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let ending = Path::new(name)
            .extension()
            .and_then(|ending| ending.to_str());
        match ending {
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            Some(_) | None if text.trim_start().starts_with('{') => Self::Json,
            Some(_) | None => Self::Toml,
        }
    }
}

/// A value of a file with the line that it stands on.
struct Node {
    line: Option<usize>,
    value: Tree,
}

enum Tree {
    Leaf(Value),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

/// Reads the drafts of all jobs of a file. `folder` is where its relative paths begin.
///
/// # Errors
/// The text is neither, or has no job. What is wrong inside a job is in its draft.
pub(crate) fn parse_file(name: &str, text: &str, folder: &Path) -> Result<Vec<Draft>, Problem> {
    let file: Arc<str> = name.into();
    let tree = match FileForm::of(name, text) {
        FileForm::Toml => parse_toml(&file, text)?,
        FileForm::Json => parse_json(&file, text)?,
    };
    let jobs = split_jobs(&file, tree)?;
    Ok(jobs
        .into_iter()
        .map(|(line, table)| draft(&file, line, table, folder))
        .collect())
}

type Table = Vec<(String, Node)>;

/// The tables of the single jobs.
fn split_jobs(file: &Arc<str>, mut table: Table) -> Result<Vec<(Option<usize>, Table)>, Problem> {
    let Some(position) = table.iter().position(|(key, _)| key == "job") else {
        return Ok(vec![(Some(1), table)]);
    };
    let (_, jobs) = table.remove(position);
    if let Some((key, node)) = table.first() {
        let origin = Origin::File(file.clone(), node.line);
        return Err(Problem::new(
            origin,
            format!("`{key}` stands outside of the jobs: move it into a [[job]] table"),
        ));
    }
    let no_list = || {
        let origin = Origin::File(file.clone(), jobs.line);
        Problem::new(
            origin,
            "`job` is no list of tables: write [[job]] above each job",
        )
    };
    let Tree::List(jobs) = jobs.value else {
        return Err(no_list());
    };
    let mut tables = Vec::with_capacity(jobs.len());
    for job in jobs {
        match job.value {
            Tree::Table(table) => tables.push((job.line, table)),
            Tree::Leaf(_) | Tree::List(_) => {
                let origin = Origin::File(file.clone(), job.line);
                return Err(Problem::new(origin, "this job is no table"));
            }
        }
    }
    if tables.is_empty() {
        return Err(Problem::new(
            Origin::File(file.clone(), None),
            "there is no job in the file",
        ));
    }
    Ok(tables)
}

fn draft(file: &Arc<str>, line: Option<usize>, table: Table, folder: &Path) -> Draft {
    let mut draft = Draft {
        home: Some(Origin::File(file.clone(), line)),
        ..Draft::default()
    };
    for (key, node) in table {
        match (TABLES.contains(&key.as_str()), node.value) {
            (true, Tree::Table(inner)) => {
                for (name, node) in inner {
                    add(&mut draft, file, format!("{key}.{name}"), node, folder);
                }
            }
            (_, value) => add(
                &mut draft,
                file,
                key,
                Node {
                    line: node.line,
                    value,
                },
                folder,
            ),
        }
    }
    paths::read_seccomp(&mut draft, folder);
    draft
}

fn add(draft: &mut Draft, file: &Arc<str>, key: String, node: Node, folder: &Path) {
    let origin = Origin::File(file.clone(), node.line);
    let value = paths::anchor(&key, plain(node.value), folder);
    draft.fields.insert(key, Field { value, origin });
}

/// The value without its lines.
fn plain(tree: Tree) -> Value {
    match tree {
        Tree::Leaf(value) => value,
        Tree::List(nodes) => nodes.into_iter().map(|node| plain(node.value)).collect(),
        Tree::Table(fields) => fields
            .into_iter()
            .map(|(key, node)| (key, plain(node.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn parse_toml(file: &Arc<str>, text: &str) -> Result<Table, Problem> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        Problem::new(Origin::File(file.clone(), line), error.message())
    })?;
    Ok(toml_table(text, table.get_ref()))
}

fn toml_table(text: &str, table: &DeTable<'_>) -> Table {
    let mut fields: Table = table
        .iter()
        .map(|(key, value)| {
            let line = Some(line_of(text, key.span().start));
            (
                key.get_ref().to_string(),
                Node {
                    line,
                    value: toml_tree(text, value),
                },
            )
        })
        .collect();
    fields.sort_by_key(|(_, node)| node.line);
    fields
}

fn toml_tree(text: &str, value: &Spanned<DeValue<'_>>) -> Tree {
    match value.get_ref() {
        DeValue::Table(table) => Tree::Table(toml_table(text, table)),
        DeValue::Array(items) => Tree::List(
            items
                .iter()
                .map(|item| Node {
                    line: Some(line_of(text, item.span().start)),
                    value: toml_tree(text, item),
                })
                .collect(),
        ),
        DeValue::String(text) => Tree::Leaf(text.as_ref().into()),
        DeValue::Boolean(is_set) => Tree::Leaf((*is_set).into()),
        DeValue::Datetime(time) => Tree::Leaf(time.to_string().into()),
        DeValue::Float(number) => {
            let parsed = number
                .as_str()
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64);
            Tree::Leaf(parsed.map_or_else(|| number.as_str().into(), Value::Number))
        }
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Tree::Leaf(parsed.map_or_else(|_| number.as_str().into(), Value::from))
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn parse_json(file: &Arc<str>, text: &str) -> Result<Table, Problem> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Problem::new(
            Origin::File(file.clone(), Some(error.line())),
            error.to_string(),
        )
    })?;
    let Tree::Table(table) = json_tree(text, value) else {
        let origin = Origin::File(file.clone(), None);
        return Err(Problem::new(
            origin,
            "it is no JSON object: begin with { \"image\": … }",
        ));
    };
    Ok(table)
}

fn json_tree(text: &str, value: Value) -> Tree {
    match value {
        Value::Object(fields) => Tree::Table(
            fields
                .into_iter()
                .map(|(key, value)| {
                    let line = json_line(text, &key);
                    (
                        key,
                        Node {
                            line,
                            value: json_tree(text, value),
                        },
                    )
                })
                .collect(),
        ),
        Value::Array(items) => Tree::List(
            items
                .into_iter()
                .map(|item| Node {
                    line: None,
                    value: json_tree(text, item),
                })
                .collect(),
        ),
        leaf @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Tree::Leaf(leaf)
        }
    }
}

/// The parser keeps no positions: the line is known where the key occurs once.
fn json_line(text: &str, key: &str) -> Option<usize> {
    let quoted = Value::from(key).to_string();
    let mut places = text.match_indices(&quoted);
    match (places.next(), places.next()) {
        (Some((offset, _)), None) => Some(line_of(text, offset)),
        (Some(_) | None, _) => None,
    }
}
