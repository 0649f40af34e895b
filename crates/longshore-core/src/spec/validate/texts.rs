//! Rules for free texts: arguments, variables, paths, labels, descriptions.

use super::Findings;
use crate::spec::{Command, IdempotencyKey, JobSpec};

/// The kernel's bound for one argument or variable, its closing NUL included.
const ARGUMENT_MAX: usize = 128 * 1024;
/// Arguments and variables together; the kernel takes a quarter of the stack limit, 2 MiB as a rule.
const ARGUMENTS_MAX: usize = 1024 * 1024;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 10_000;
/// Bytes of all labels together.
const LABELS_MAX: usize = 64 * 1024;
/// Characters of a name of a template or host.
const NAME_MAX: usize = 100;

pub(super) fn check(spec: &JobSpec, findings: &mut Findings) {
    check_arguments("command", &spec.command, findings);
    if let Some(entrypoint) = &spec.entrypoint {
        check_arguments("entrypoint", entrypoint, findings);
        check_entrypoint(entrypoint, findings);
    }
    check_environment(spec, findings);
    check_total(spec, findings);
    check_workdir(spec, findings);
    check_description(spec, findings);
    check_key(spec, findings);
    check_labels(spec, findings);
    check_name("env_template", spec.env_template.as_deref(), findings);
    check_name("host", spec.host.as_deref(), findings);
    if spec.env_file.iter().any(|path| path.trim().is_empty()) {
        findings.refuse("env_file", "a path is empty", "name a file or leave it out");
    }
}

/// The keys of an array's jobs are keys, too.
fn check_key(spec: &JobSpec, findings: &mut Findings) {
    let last = spec.array.as_ref().and_then(|array| array.indexes().last());
    let (Some(key), Some(last)) = (&spec.idempotency_key, last) else {
        return;
    };
    let numbered = key.numbered(last);
    if numbered.as_str().parse::<IdempotencyKey>().is_err() {
        let ending = numbered.as_str().len() - key.as_str().len();
        let problem = format!("with -{last} behind, for the last job of the array, it is too long");
        let remedy = format!("leave {ending} characters of it out");
        findings.refuse("idempotency_key", problem, remedy);
    }
}

fn check_arguments(field: &str, command: &Command, findings: &mut Findings) {
    for (index, argument) in command.argv().iter().enumerate() {
        let position = index + 1;
        if argument.contains('\0') {
            let problem = format!("argument {position} contains a NUL byte");
            findings.refuse(field, problem, "remove it; no program can receive one");
        }
        if argument.len() >= ARGUMENT_MAX {
            let problem = format!("argument {position} has {} bytes", argument.len());
            findings.refuse(
                field,
                problem,
                "stay below 128 KiB, or mount a file instead",
            );
        }
    }
}

fn check_entrypoint(entrypoint: &Command, findings: &mut Findings) {
    if entrypoint.argv().first().is_some_and(String::is_empty) {
        let remedy = "name a program, or give an empty list to clear the image's entrypoint";
        findings.refuse("entrypoint", "the program is empty", remedy);
    }
}

fn check_environment(spec: &JobSpec, findings: &mut Findings) {
    for (name, value) in &spec.env {
        if value.contains('\0') {
            let problem = format!("the value of {name} contains a NUL byte");
            findings.refuse("env", problem, "remove it; no program can receive one");
        }
        if name.as_str().len() + value.len() + 1 >= ARGUMENT_MAX {
            let problem = format!("{name} and its value have 128 KiB or more");
            findings.refuse("env", problem, "make it shorter, or mount a file instead");
        }
    }
}

fn check_total(spec: &JobSpec, findings: &mut Findings) {
    let arguments = spec
        .entrypoint
        .iter()
        .chain([&spec.command])
        .flat_map(Command::argv);
    let arguments: usize = arguments.map(|argument| argument.len() + 1).sum();
    let variables: usize = spec
        .env
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 2)
        .sum();
    let total = arguments + variables;
    if total > ARGUMENTS_MAX {
        let problem = format!("arguments and environment have {total} bytes together");
        findings.refuse(
            "command",
            problem,
            "stay below 1 MiB, or mount a file instead",
        );
    }
}

fn check_workdir(spec: &JobSpec, findings: &mut Findings) {
    let Some(workdir) = &spec.workdir else {
        return;
    };
    if !workdir.starts_with('/') {
        let problem = format!("`{workdir}` is no absolute path");
        findings.refuse("workdir", problem, "begin it with `/`, such as /work");
    }
    if workdir.contains('\0') {
        findings.refuse("workdir", "it contains a NUL byte", "remove it");
    }
}

fn check_description(spec: &JobSpec, findings: &mut Findings) {
    let length = spec
        .description
        .iter()
        .flat_map(|text| text.chars())
        .count();
    if length > DESCRIPTION_MAX {
        let problem = format!("it has {length} characters");
        findings.refuse(
            "description",
            problem,
            format!("use at most {DESCRIPTION_MAX}"),
        );
    }
    if spec.description.iter().any(|text| text.contains('\0')) {
        findings.refuse("description", "it contains a NUL byte", "remove it");
    }
}

fn check_labels(spec: &JobSpec, findings: &mut Findings) {
    let total: usize = spec
        .labels
        .iter()
        .map(|(key, value)| key.as_str().len() + value.len())
        .sum();
    if total > LABELS_MAX {
        let problem = format!("all labels together have {total} bytes");
        findings.refuse("labels", problem, "stay below 64 KiB");
    }
    for (key, _) in spec.labels.iter().filter(|(_, value)| value.contains('\0')) {
        findings.refuse(
            "labels",
            format!("the value of {key} contains a NUL byte"),
            "remove it",
        );
    }
}

fn check_name(field: &str, name: Option<&str>, findings: &mut Findings) {
    let Some(name) = name else {
        return;
    };
    let is_good = !name.trim().is_empty()
        && name.chars().count() <= NAME_MAX
        && !name.chars().any(char::is_control);
    if !is_good {
        let problem = "it is no name";
        findings.refuse(
            field,
            problem,
            format!("use 1 to {NAME_MAX} printable characters"),
        );
    }
}
