//! Policy: the Rego evaluator behind the [`Judge`](assay_model::seam::judge::Judge) seam, the versioned input document
//! that policies read, and the actions that a match asks for.
//!
//! Nothing here stores or enforces anything: judging is a pure function of facts and policies. The contract for those
//! who write policies is `docs/policies.md`.

pub mod actions;
pub mod input;
pub mod library;
pub mod rego;

pub use actions::{ALL, find, normalise, parse_shorthand};
pub use rego::{Limits, Path, RegoJudge, testing};
