//! Secrets in files: keys, passwords and tokens that should not have been published.
//!
//! Lives here: the rules (as data, in `rules/`), the search, and redaction. Nothing that leaves this folder holds a byte of
//! a secret: what is kept is the text around it, with `*` in its place. Does not live here: which files are offered.

mod allow;
mod image;
mod redact;
mod rule;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use image::in_image;
pub use rule::SecretRules;
pub(crate) use scan::search;
