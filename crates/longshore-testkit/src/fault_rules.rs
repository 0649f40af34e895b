//! Which requests go wrong, how, and how often.

use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The engine gets the request and answers in full, but the answer is lost: the client sees
    /// the connection close.
    LoseReply,
    /// The engine never gets the request; the client sees the connection close.
    LoseRequest,
    /// The engine never gets the request and the client never gets an answer, until the client or
    /// the proxy ends.
    Hang,
    /// The request is passed on after this time.
    Delay(Duration),
    /// The proxy answers instead of the engine, with this status and JSON body.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The connection closes when this many bytes of the answer (head included) were passed on.
    CutAfter(usize),
}

/// A fault and the requests that it befalls.
#[derive(Debug, Clone)]
pub struct Rule {
    method: Option<String>,
    path: String,
    skip: usize,
    times: Option<usize>,
    fault: Fault,
}

impl Rule {
    /// Every request whose path (query included) contains `path`.
    pub fn every(path: &str, fault: Fault) -> Self {
        Self {
            method: None,
            path: path.to_owned(),
            skip: 0,
            times: None,
            fault,
        }
    }

    /// Only the first such request.
    pub fn first(path: &str, fault: Fault) -> Self {
        Self::every(path, fault).times(1)
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only so many of them.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Not the first `skip` of them.
    #[must_use]
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path.contains(&self.path)
    }
}

/// The name of a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(usize);

#[derive(Debug)]
struct Entry {
    rule: Rule,
    seen: usize,
    hits: usize,
    active: bool,
}

/// The rules of one proxy and every request that it saw.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    entries: Vec<Entry>,
    requests: Vec<String>,
}

impl RuleBook {
    pub(crate) fn add(&mut self, rule: Rule) -> RuleId {
        self.entries.push(Entry {
            rule,
            seen: 0,
            hits: 0,
            active: true,
        });
        RuleId(self.entries.len() - 1)
    }

    pub(crate) fn remove(&mut self, id: RuleId) {
        self.entries[id.0].active = false;
    }

    pub(crate) fn clear(&mut self) {
        self.entries
            .iter_mut()
            .for_each(|entry| entry.active = false);
    }

    pub(crate) fn hits(&self, id: RuleId) -> usize {
        self.entries[id.0].hits
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.clone()
    }

    /// Notes a request and says what befalls it: the first active rule that applies decides.
    pub(crate) fn judge(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.requests.push(format!("{method} {path}"));
        self.entries
            .iter_mut()
            .find_map(|entry| entry.judge(method, path))
    }
}

impl Entry {
    fn judge(&mut self, method: &str, path: &str) -> Option<Fault> {
        if !self.active || !self.rule.matches(method, path) {
            return None;
        }
        self.seen += 1;
        let spent = self.rule.times.is_some_and(|times| self.hits >= times);
        if spent || self.seen <= self.rule.skip {
            return None;
        }
        self.hits += 1;
        Some(self.rule.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_the_first_request_hits_once() {
        let mut book = RuleBook::default();
        let id = book.add(Rule::first("/create", Fault::LoseReply).method("POST"));
        assert_eq!(book.judge("GET", "/create"), None);
        assert_eq!(
            book.judge("POST", "/containers/create?name=x"),
            Some(Fault::LoseReply)
        );
        assert_eq!(book.judge("POST", "/containers/create?name=x"), None);
        assert_eq!(book.hits(id), 1);
        assert_eq!(book.requests().len(), 3);
    }

    #[test]
    fn a_rule_may_let_the_first_pass() {
        let mut book = RuleBook::default();
        book.add(Rule::every("/start", Fault::Hang).after(1));
        let seen: Vec<bool> = (0..3)
            .map(|_| book.judge("POST", "/start").is_some())
            .collect();
        assert_eq!(seen, [false, true, true]);
    }

    #[test]
    fn a_removed_rule_does_nothing() {
        let mut book = RuleBook::default();
        let id = book.add(Rule::every("/", Fault::Hang));
        book.remove(id);
        assert_eq!(book.judge("GET", "/x"), None);
        book.add(Rule::every("/", Fault::Hang));
        book.clear();
        assert_eq!(book.judge("GET", "/x"), None);
    }
}
