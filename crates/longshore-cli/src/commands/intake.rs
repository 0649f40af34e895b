//! From flags and files to jobs that can be stored: the way of `run` and `submit`.
//!
//! Flow: file → drafts → flags over them → fields → environment → rules and policy → host → defaults.
//! All problems of all jobs are said at once, and then nothing is stored.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use longshore_core::policy::Policy;
use longshore_core::spec::EnvText;
use longshore_store::{NewJob, Store, StoreError};

use crate::args::JobArgs;
use crate::commands::batch::Batch;
use crate::commands::placement::Places;
use crate::draft::{self, Checked, Draft, Origin, Problem};
use crate::failure::Failure;
use crate::moments;
use crate::session::Session;

/// Name of standard input in messages.
const STDIN: &str = "standard input";

/// When the jobs are to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// While the caller watches: the environment's host must answer.
    Now,
    /// When a worker comes to it.
    Sometime,
}

/// Reads what was typed, and checks all of it.
pub(super) async fn take_in(
    session: &Session,
    args: &JobArgs,
    when: When,
) -> Result<Vec<NewJob>, Failure> {
    let now = session.now();
    let mut problems = Vec::new();
    let not_before = not_before(args, now).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let drafts = drafts(session, args).map_err(|problem| Failure::problems(&[problem]))?;
    let store = session.store().await?;
    let policy = store.policy().await?;
    let mut places = Places::look(session, store).await?;
    let mut batch = Batch::default();
    for draft in drafts {
        let mut checked = draft.check();
        resolve_environment(session, store, &mut checked).await?;
        check_rules(&mut checked, &policy);
        places.place(session, &mut checked);
        batch.add(store, &mut checked).await?;
        problems.append(&mut checked.problems);
    }
    if !problems.is_empty() {
        return Err(Failure::problems(&problems));
    }
    if when == When::Now {
        places.require_answer(session, &batch.specs()).await?;
    }
    places.register(session, store).await?;
    Ok(batch.into_jobs(&policy, not_before))
}

fn not_before(args: &JobArgs, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    if let Some(text) = &args.delay {
        let delay = moments::parse_duration(text)
            .map_err(|error| Problem::new(Origin::Flag("delay"), error))?;
        return Ok(Some(now + delay));
    }
    let at = args.at.as_deref().map(moments::parse_moment).transpose();
    at.map_err(|error| Problem::new(Origin::Flag("at"), error))
}

/// The jobs of the file, or the one of the flags; flags lie over each.
fn drafts(session: &Session, args: &JobArgs) -> Result<Vec<Draft>, Problem> {
    let mut drafts = match &args.file {
        Some(file) => read_file(session, file)?,
        None => vec![Draft::default()],
    };
    for draft in &mut drafts {
        draft::overlay(draft, args, &session.around);
    }
    Ok(drafts)
}

fn read_file(session: &Session, file: &Path) -> Result<Vec<Draft>, Problem> {
    if file == Path::new("-") {
        let text = read_stdin()?;
        return draft::parse_file(STDIN, &text, &session.around.folder);
    }
    let path = session.around.path(file);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Problem::new(
            Origin::Flag("file"),
            format!("cannot read {}: {error}", file.display()),
        )
    })?;
    let folder = path.parent().unwrap_or(&session.around.folder);
    draft::parse_file(&file.to_string_lossy(), &text, folder)
}

/// Standard input to its end.
pub(super) fn read_stdin() -> Result<String, Problem> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| {
            Problem::new(
                Origin::File(STDIN.into(), None),
                format!("cannot read it: {error}"),
            )
        })?;
    Ok(text)
}

/// Puts template and env-files below the job's own variables.
async fn resolve_environment(
    session: &Session,
    store: &Store,
    checked: &mut Checked,
) -> Result<(), Failure> {
    let template = match checked.spec.env_template.clone() {
        Some(name) => read_template(store, &name, checked).await?,
        None => None,
    };
    let mut files = Vec::new();
    for path in checked.spec.env_file.clone() {
        match read_env_file(session, &path) {
            Ok(text) => files.push(text),
            Err(text) => checked.add("env_file", text),
        }
    }
    checked.spec.resolve_environment(template.as_ref(), &files);
    Ok(())
}

async fn read_template(
    store: &Store,
    name: &str,
    checked: &mut Checked,
) -> Result<Option<EnvText>, Failure> {
    let template = match store.template(name).await {
        Ok(template) => template,
        Err(StoreError::NotFound { .. }) => {
            let text = format!("no template `{name}`: `longshore templates list` shows them");
            checked.add("env_template", text);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    match EnvText::parse(&template.text) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            checked.add("env_template", format!("template `{name}`: {error}"));
            Ok(None)
        }
    }
}

/// As in Docker, a line with a name alone takes the caller's variable, if there is one.
fn read_env_file(session: &Session, path: &str) -> Result<EnvText, String> {
    let mut text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let parsed = EnvText::parse(&text).map_err(|error| format!("{path}: {error}"))?;
    let taken: Vec<String> = parsed
        .skipped()
        .iter()
        .filter_map(|line| Some((line, session.around.variables.get(&line.text)?)))
        .map(|(line, value)| format!("{}={value}", line.text))
        .collect();
    if taken.is_empty() {
        return Ok(parsed);
    }
    text.push('\n');
    text.push_str(&taken.join("\n"));
    EnvText::parse(&text).map_err(|error| format!("{path}: {error}"))
}

/// The rules between fields, and the pool's.
fn check_rules(checked: &mut Checked, policy: &Policy) {
    let Err(errors) = checked.spec.validate(policy) else {
        return;
    };
    for error in errors.iter() {
        let text = format!("{}; {}", error.problem, error.remedy);
        checked.add(&error.field, text);
    }
}
