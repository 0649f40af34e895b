//! `policy`: what the pool allows its jobs, and the defaults that it applies.

use std::path::Path;

use longshore_core::policy::Policy;
use serde_json::Value;

use crate::args::PolicyCommand;
use crate::draft::nearest;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views;
use crate::session::Session;

pub(super) async fn run(session: &Session, command: PolicyCommand) -> Result<u8, Failure> {
    let store = session.store().await?;
    let policy = store.policy().await?;
    let changed = match command {
        PolicyCommand::Show => policy,
        PolicyCommand::Set { key, value } => store_it(session, set(&policy, &key, &value)?).await?,
        PolicyCommand::AllowBind { path } => store_it(session, allow(policy, &path)?).await?,
        PolicyCommand::DenyBind { path } => store_it(session, deny(policy, &path)?).await?,
    };
    show(session, &changed)?;
    Ok(SUCCESS)
}

async fn store_it(session: &Session, policy: Policy) -> Result<Policy, Failure> {
    session.store().await?.set_policy(&policy).await?;
    Ok(policy)
}

/// Reads one value in the words of the policy's own JSON form.
fn set(policy: &Policy, key: &str, text: &str) -> Result<Policy, Failure> {
    let mut fields = to_json(policy);
    let known: Vec<String> = fields
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default();
    if !known.iter().any(|known| known == key) {
        let hint = match nearest(key, known.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the keys are {}", known.join(", ")),
        };
        return Err(Failure::usage(format!("the policy has no key `{key}`")).hint(hint));
    }
    fields[key] = match key {
        "allow_bind" => text
            .split(',')
            .filter(|path| !path.is_empty())
            .collect::<Value>(),
        _ => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "none" | "null" => Value::Null,
            text => text.into(),
        },
    };
    let changed: Policy = serde_json::from_value(fields)
        .map_err(|error| Failure::usage(format!("policy {key}: {error}")))?;
    changed
        .allow_bind
        .iter()
        .try_for_each(|path| check_path(path))?;
    Ok(changed)
}

fn allow(mut policy: Policy, path: &Path) -> Result<Policy, Failure> {
    check_path(path)?;
    if !policy.allow_bind.iter().any(|allowed| allowed == path) {
        policy.allow_bind.push(path.to_owned());
    }
    Ok(policy)
}

fn deny(mut policy: Policy, path: &Path) -> Result<Policy, Failure> {
    let before = policy.allow_bind.len();
    policy.allow_bind.retain(|allowed| allowed != path);
    if policy.allow_bind.len() == before {
        return Err(
            Failure::refused(format!("{} was not allowed", path.display()))
                .hint("`longshore policy show` lists what is"),
        );
    }
    Ok(policy)
}

fn check_path(path: &Path) -> Result<(), Failure> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(
        Failure::usage(format!("{} is no absolute path", path.display()))
            .hint("it is a path on the hosts; begin it with `/`"),
    )
}

fn to_json(policy: &Policy) -> Value {
    serde_json::to_value(policy).expect("the policy has text keys only")
}

fn show(session: &Session, policy: &Policy) -> Result<(), Failure> {
    let fields = to_json(policy);
    if session.global.json {
        session.console.print(&views::pretty(&fields))?;
        return Ok(());
    }
    for (key, value) in fields.as_object().into_iter().flatten() {
        session
            .console
            .print(&format!("{key:<20} {}", words(value)))?;
    }
    Ok(())
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_policy_can_be_set_as_it_is_shown() {
        let policy = Policy::default();
        for (key, value) in to_json(&policy).as_object().unwrap() {
            let text = if value.is_array() {
                String::new()
            } else {
                words(value)
            };
            assert_eq!(set(&policy, key, &text).unwrap(), policy, "{key}");
        }
    }

    #[test]
    fn a_mistyped_key_is_answered_with_the_right_one() {
        let failure = set(&Policy::default(), "alow_privileged", "true").unwrap_err();
        assert!(
            failure
                .lines()
                .any(|line| line.contains("did you mean `allow_privileged`"))
        );
    }

    #[test]
    fn a_path_that_is_relative_is_never_allowed() {
        assert!(allow(Policy::default(), Path::new("srv")).is_err());
        assert!(set(&Policy::default(), "allow_bind", "/srv,tmp").is_err());
        let policy = allow(Policy::default(), Path::new("/srv")).unwrap();
        assert!(deny(policy.clone(), Path::new("/other")).is_err());
        assert_eq!(deny(policy, Path::new("/srv")).unwrap(), Policy::default());
    }
}
