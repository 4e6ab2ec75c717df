//! What tests of Assay are built from: a real server process, tiny artifacts, real clients, mutated input.
//!
//! Development only: the product never depends on this crate. Nothing here imitates a part of Assay; a test speaks to
//! the program the way a user does.

pub mod catalogue;
pub mod client;
pub mod evidence;
pub mod faulty;
pub mod fuzz;
pub mod make;
pub mod process;
pub mod remote;
pub mod server;
pub mod skip;
pub mod tools;
pub mod upload;

pub use client::{Http, Reply};
pub use process::{Ran, Run};
pub use server::{ServerOptions, TestServer};
pub use skip::{corpus, skipped};
pub use tools::tool;
