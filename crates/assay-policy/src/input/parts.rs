//! Parts of the document: the fields right below `input.v0` and `input.v1`. A part that no policy reads need not be made
//! where nobody else will see the document.

use super::value::object;
use regorus::Value;
use std::collections::BTreeSet;

/// Which parts are wanted; a name stands for the parts of that name in both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts(Option<BTreeSet<String>>);

impl Parts {
    /// Every part.
    pub(crate) fn all() -> Self {
        Self(None)
    }
    /// No part.
    pub(crate) fn none() -> Self {
        Self(Some(BTreeSet::new()))
    }
    /// These parts.
    pub(crate) fn of(names: BTreeSet<String>) -> Self {
        Self(Some(names))
    }
    /// Wants those too.
    pub(crate) fn add(&mut self, more: Self) {
        match (&mut self.0, more.0) {
            (Some(names), Some(more)) => names.extend(more),
            (all, _) => *all = None,
        }
    }
    /// An object of the parts that are wanted; the others are null.
    pub(super) fn object<const N: usize>(&self, parts: &[(&'static str, &dyn Fn() -> Value); N]) -> Value {
        let wanted = |name: &str| self.0.as_ref().is_none_or(|names| names.contains(name));
        object(parts.map(|(name, make)| (name, if wanted(name) { make() } else { Value::Null })))
    }
}
