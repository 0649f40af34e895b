//! What spans several fields of a spec or depends on the pool's policy: checked once, all of it.

use std::fmt;

use serde::Serialize;

use super::JobSpec;
use crate::spec::policy::Policy;

mod places;
mod quantities;
mod rights;
mod texts;

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {problem}; {remedy}")]
pub struct SpecError {
    /// Key of the field, such as `memory` or `timeouts.total`.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to type instead.
    pub remedy: String,
}

/// Everything that is wrong with a spec; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct SpecErrors(Vec<SpecError>);

impl SpecErrors {
    /// The problems in the order of the spec's fields.
    pub fn iter(&self) -> impl Iterator<Item = &SpecError> {
        self.0.iter()
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(SpecError::to_string).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// The problems found so far.
#[derive(Default)]
struct Findings(Vec<SpecError>);

impl Findings {
    fn refuse(&mut self, field: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        let (problem, remedy) = (problem.into(), remedy.into());
        self.0.push(SpecError {
            field: field.to_owned(),
            problem,
            remedy,
        });
    }
}

impl JobSpec {
    /// Checks the rules between fields and those of the pool.
    ///
    /// Whether env-files and templates were read is asked by [`JobSpec::unresolved`].
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn validate(&self, policy: &Policy) -> Result<(), SpecErrors> {
        let mut findings = Findings::default();
        texts::check(self, &mut findings);
        quantities::check(self, policy, &mut findings);
        places::check(self, policy, &mut findings);
        rights::check(self, policy, &mut findings);
        if findings.0.is_empty() {
            Ok(())
        } else {
            Err(SpecErrors(findings.0))
        }
    }
}
