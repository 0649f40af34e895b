//! `templates`: environment texts that jobs may start from.

use std::path::Path;

use longshore_core::spec::{EnvText, InvalidValue};

use crate::args::TemplatesCommand;
use crate::commands::intake;
use crate::draft::Problem;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::render::{spans, tables};
use crate::session::Session;

/// Stands for a value that is not shown.
const HIDDEN: &str = "***";

pub(super) async fn run(session: &Session, command: TemplatesCommand) -> Result<u8, Failure> {
    match command {
        TemplatesCommand::Set {
            name,
            file,
            description,
        } => {
            set(session, &name, &file, &description).await?;
        }
        TemplatesCommand::List => list(session).await?,
        TemplatesCommand::Show { name, reveal } => show(session, &name, reveal).await?,
        TemplatesCommand::Rm { name } => {
            session.store().await?.remove_template(&name).await?;
            session.console.print(&name)?;
        }
    }
    Ok(SUCCESS)
}

async fn set(session: &Session, name: &str, file: &Path, description: &str) -> Result<(), Failure> {
    check_name(name).map_err(|invalid| Failure::usage(invalid.to_string()))?;
    let text = read(session, file)?;
    let parsed = EnvText::parse(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    for line in parsed.skipped() {
        session.console.say(&format!(
            "warning: line {} has no `=` and sets nothing",
            line.number
        ));
    }
    let description = Some(description).filter(|text| !text.is_empty());
    session
        .store()
        .await?
        .save_template(name, &text, description, session.now())
        .await?;
    session.console.print(name)?;
    Ok(())
}

fn check_name(name: &str) -> Result<(), InvalidValue> {
    let is_good = !name.trim().is_empty()
        && name.chars().count() <= 100
        && !name.chars().any(char::is_control);
    if is_good {
        return Ok(());
    }
    Err(InvalidValue::new(
        "template name",
        name,
        "use 1 to 100 printable characters",
    ))
}

fn read(session: &Session, file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        return intake::read_stdin().map_err(|problem: Problem| Failure::problems(&[problem]));
    }
    std::fs::read_to_string(session.around.path(file))
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))
}

async fn list(session: &Session) -> Result<(), Failure> {
    let templates = session.store().await?.templates().await?;
    let count = |text: &str| EnvText::parse(text).map_or(0, |text| text.variables().len());
    if session.global.json {
        let views: Vec<_> = templates
            .iter()
            .map(|template| {
                serde_json::json!({
                    "schema": SCHEMA,
                    "name": template.name,
                    "description": template.description,
                    "variables": count(&template.text),
                    "updated_at": template.updated_at,
                })
            })
            .collect();
        session.console.print(&views::pretty(&views))?;
        return Ok(());
    }
    let rows: Vec<[String; 4]> = templates
        .iter()
        .map(|template| {
            let updated = spans::age(template.updated_at, session.now());
            let description = template.description.clone().unwrap_or_default();
            [
                template.name.clone(),
                count(&template.text).to_string(),
                updated,
                description,
            ]
        })
        .collect();
    let head = ["NAME", "VARIABLES", "UPDATED", "DESCRIPTION"];
    session
        .console
        .print(&tables::plain(head, &rows, session.look()))?;
    Ok(())
}

async fn show(session: &Session, name: &str, reveal: bool) -> Result<(), Failure> {
    let template = session.store().await?.template(name).await?;
    let parsed = EnvText::parse(&template.text)
        .map_err(|error| Failure::refused(format!("template `{name}`: {error}")))?;
    let shown = |value: &str| {
        if reveal {
            value.to_owned()
        } else {
            HIDDEN.to_owned()
        }
    };
    if session.global.json {
        let variables: serde_json::Map<_, _> = parsed
            .variables()
            .iter()
            .map(|(name, value)| (name.to_string(), shown(value).into()))
            .collect();
        let view = serde_json::json!({ "schema": SCHEMA, "name": name, "variables": variables });
        session.console.print(&views::pretty(&view))?;
        return Ok(());
    }
    for (name, value) in parsed.variables() {
        session.console.print(&format!("{name}={}", shown(value)))?;
    }
    Ok(())
}
