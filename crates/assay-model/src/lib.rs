//! The nouns of Assay, the laws of versions and package URLs, and the seams that everything else implements.
//!
//! No input or output happens here, and nothing here knows HTTP, SQL or Rego. One noun per file; `ecosystem` holds version
//! orders; `seam` holds the traits.

pub mod access;
pub mod advisory;
pub mod assessment;
pub mod channel;
pub mod clock;
pub mod component;
pub mod decision;
pub mod digest;
pub mod ecosystem;
pub mod event;
pub mod facts;
pub mod finding;
pub mod glob;
pub mod health;
pub mod holders;
pub mod import;
pub mod inventory;
pub mod keeping;
pub mod license;
pub mod notification;
pub mod overrides;
pub mod package;
pub mod policy;
pub mod problem;
pub mod purl;
pub mod query;
pub mod refusal;
pub mod renewal;
pub mod repository;
pub mod score;
pub mod seam;
pub mod sheet;
pub mod source_repository;
pub mod trust;
pub mod upstream;
pub mod vers;
pub mod vex;
pub mod view;
pub mod waiver;
pub mod work;

pub use digest::Digest;
pub use problem::{Kind, Problem};
