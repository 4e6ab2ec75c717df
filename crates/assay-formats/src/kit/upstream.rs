//! What is said of remote registries that answer something else than their protocol.

use assay_model::{Kind, Problem};
use std::fmt::Display;

/// A document of an upstream that is not what it should be.
pub(crate) fn unusable(what: impl Display, why: impl Display) -> Problem {
    Problem::new(Kind::Upstream, "bad-upstream", format!("the upstream's {what} cannot be used: {why}"))
}
