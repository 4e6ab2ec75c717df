//! What is left of a query once the worst finding of a package is known: the store sees what was found, and not what waivers
//! and statements take away.

use super::{Query, Term};
use crate::finding::Severity;
use std::collections::BTreeSet;

impl Query {
    /// The severities that it asks for, the mildest first.
    pub fn severities(&self) -> BTreeSet<Severity> {
        match self {
            Self::Term(Term::Severity(least)) => BTreeSet::from([*least]),
            Self::Term(_) => BTreeSet::new(),
            Self::Not(inner) => inner.severities(),
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::severities).collect(),
        }
    }

    /// What is left of it for packages whose worst finding that counts is known; `None` when that alone leaves none.
    pub fn knowing(&self, worst: Option<Severity>) -> Option<Known> {
        let known = self.known(worst);
        (known != Known::Always(false)).then_some(known)
    }

    fn known(&self, worst: Option<Severity>) -> Known {
        // what decides a conjunction is one that does not hold, and a disjunction one that does
        let join = |all: &[Self], decides: bool, joined: fn(Vec<Self>) -> Self| {
            let mut rest = Vec::new();
            for one in all {
                match one.known(worst) {
                    Known::Always(holds) if holds == decides => return Known::Always(decides),
                    Known::Always(_) => {}
                    Known::If(query) => rest.push(query),
                }
            }
            if rest.is_empty() { Known::Always(!decides) } else { Known::If(joined(rest)) }
        };
        match self {
            Self::Term(Term::Severity(least)) => Known::Always(worst >= Some(*least)),
            Self::Term(_) => Known::If(self.clone()),
            Self::Not(inner) => match inner.known(worst) {
                Known::Always(holds) => Known::Always(!holds),
                Known::If(query) => Known::If(Self::Not(Box::new(query))),
            },
            Self::And(all) => join(all, false, Self::And),
            Self::Or(all) => join(all, true, Self::Or),
        }
    }
}

/// What is left of a query once some of it is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Nothing: it holds, or does not.
    Always(bool),
    /// It holds if this does.
    If(Query),
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn parsed(text: &str) -> Query {
        Query::parse(text, Timestamp::UNIX_EPOCH).unwrap().unwrap()
    }

    #[test]
    fn what_is_left_when_the_worst_severity_is_known() {
        let left = |text: &str, worst| parsed(text).knowing(worst);
        let high = Some(Severity::High);
        assert_eq!(left("severity:high", high), Some(Known::Always(true)));
        assert_eq!(left("severity:critical", high), None);
        assert_eq!(left("severity:unknown", None), None);
        assert_eq!(left("NOT severity:high", high), None);
        assert_eq!(left("NOT severity:high", Some(Severity::Low)), Some(Known::Always(true)));
        assert_eq!(left("severity:high OR tag:a", None), Some(Known::If(Query::Or(vec![parsed("tag:a")]))));
        assert_eq!(left("severity:high tag:a", high), Some(Known::If(Query::And(vec![parsed("tag:a")]))));
        assert_eq!(left("NOT (severity:high tag:a)", None), Some(Known::Always(true)));
        let both = BTreeSet::from([Severity::Low, Severity::High]);
        assert_eq!(parsed("a (severity:high OR NOT severity:low) severity:low").severities(), both);
    }
}
