//! The conformance suite: what the seams promise, checked over every store there is. The same functions run over SQLite,
//! and over PostgreSQL when `ASSAY_TEST_POSTGRES` names a server (a URL whose user may make schemas); over files, and over
//! S3 when `ASSAY_TEST_S3` names a service and bucket (`http://HOST:PORT/BUCKET`). What is not set is skipped, loudly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bytes;
mod crash;
mod health;
mod history;
mod imports;
mod interleavings;
mod judgements;
mod keeping;
mod knowledge;
mod log;
mod notices;
mod personal;
mod plans;
mod publishing;
mod record;
mod renewing;
mod search;
mod sharing;
mod trust;
mod upstreams;
mod volume;
mod waivers;
mod worklist;
mod world;
