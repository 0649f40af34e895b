//! What an import did, or would do.

use serde::Serialize;

use crate::remarks::Remarks;
use crate::tables::Layout;

/// What an import did, or would do. Nothing is missing: every row of the old tables is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which versions made the old tables.
    pub layout: Layout,
    /// The hosts.
    pub hosts: Part,
    /// The environment templates.
    pub templates: Part,
    /// The jobs.
    pub jobs: Part,
}

/// One kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How many are new here.
    pub taken: u64,
    /// How many were here already; they stay as they are.
    pub already_there: u64,
    /// Which were not taken, and why.
    pub not_taken: Vec<Remark>,
    /// What is not as it was with those that were taken.
    pub changed: Vec<Remark>,
}

/// A thing of the old system, and what is to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Id of a job, name of a host or template.
    pub what: String,
    /// What became of it, and why.
    pub why: String,
}

impl Report {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            hosts: Part::default(),
            templates: Part::default(),
            jobs: Part::default(),
        }
    }
}

impl Part {
    /// Counts a new one.
    pub(crate) fn take(&mut self, what: &str, remarks: Remarks) {
        self.taken += 1;
        self.remark(what, remarks);
    }

    /// Counts one that was here already.
    pub(crate) fn know(&mut self, what: &str, remarks: Remarks) {
        self.already_there += 1;
        self.remark(what, remarks);
    }

    /// Counts one that is not taken.
    pub(crate) fn refuse(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.not_taken.push(Remark {
            what: what.into(),
            why: why.into(),
        });
    }

    fn remark(&mut self, what: &str, remarks: Remarks) {
        let remark = |why| Remark {
            what: what.to_owned(),
            why,
        };
        self.changed.extend(remarks.into_iter().map(remark));
    }
}
