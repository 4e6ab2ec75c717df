//! The seams: small traits that everything which can be added implements. All are object safe; no framework type occurs
//! in a signature.

pub mod action;
pub mod analyzer;
pub mod attending;
pub mod blob;
pub mod bundle;
pub mod format;
pub mod health;
pub mod history;
pub mod importing;
pub mod inspector;
pub mod judge;
pub mod keeping;
pub mod known;
pub mod machine;
pub mod matcher;
pub mod meta;
pub mod notices;
pub mod overrides;
pub mod record;
pub mod remote;
pub mod renewing;
pub mod source;
pub mod trust;
pub mod upstream;
pub mod vex;
pub mod waivers;
pub mod working;

use crate::problem::Problem;
use std::{future::Future, io, pin::Pin};

/// A boxed future of a result: the one shape of asynchronous seam methods.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// A stream of bytes that are not held in memory as a whole.
pub type ByteStream = Pin<Box<dyn futures_util::Stream<Item = io::Result<bytes::Bytes>> + Send>>;

/// A readable, seekable artifact.
pub trait ReadSeek: io::Read + io::Seek + Send {}
impl<T: io::Read + io::Seek + Send> ReadSeek for T {}
