//! What became of packages during a change, from the event log: each counts once, by the state it had before and the state
//! it ended in.

use assay_model::{event::Event, package::State};
use std::collections::BTreeMap;

/// States before and after, by package.
#[derive(Clone, Debug, Default)]
pub(super) struct Effect(BTreeMap<i64, (State, State)>);

impl Effect {
    /// Takes note of an event; those that are no decision say nothing.
    pub(super) fn add(&mut self, event: &Event) {
        let state = |field: &str| event.body.get(field).and_then(|word| State::parse(word.as_str()?));
        let package = event.body.get("package").and_then(serde_json::Value::as_i64);
        if let (true, Some(package), Some(from), Some(to)) =
            (event.kind.starts_with("decision."), package, state("from"), state("to"))
        {
            self.0.entry(package).or_insert((from, to)).1 = to;
        }
    }

    /// Packages that were not quarantined before and are now.
    pub(super) fn quarantined(&self) -> u64 {
        self.count(|from, to| from != State::Quarantined && to == State::Quarantined)
    }

    /// Packages that were held or hidden and are available.
    pub(super) fn released(&self) -> u64 {
        self.count(|from, to| matches!(from, State::Quarantined | State::Hidden) && to == State::Available)
    }

    fn count(&self, is: impl Fn(State, State) -> bool) -> u64 {
        self.0.values().filter(|(from, to)| is(*from, *to)).count() as u64
    }
}
