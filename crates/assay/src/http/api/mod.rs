//! The platform API, `/api/v1`: one file per noun. Handlers translate; the engine checks and does.

pub(super) mod boms;
pub(super) mod bundles;
pub(super) mod channels;
pub(crate) mod decisions;
pub(super) mod events;
pub(super) mod feeds;
pub(super) mod imports;
pub(super) mod library;
pub(super) mod operations;
pub(super) mod overrides;
pub(super) mod packages;
pub(super) mod policies;
pub(super) mod repositories;
mod settings;
pub(super) mod simulations;
pub(super) mod storage;
pub(super) mod tokens;
pub(super) mod trash;
pub(super) mod trust;
pub(super) mod upstreams;
pub(super) mod vex;
pub(super) mod waivers;

use super::{
    App,
    answer::{Reply, json_reply, plain},
    routes::Call,
};
use assay_model::problem::Problem;
use http::StatusCode;

type Answer = Result<Reply, Problem>;

fn ok(value: &impl serde::Serialize) -> Answer {
    Ok(json_reply(StatusCode::OK, value))
}

fn created(value: &impl serde::Serialize) -> Answer {
    Ok(json_reply(StatusCode::CREATED, value))
}

fn done() -> Answer {
    Ok(plain(StatusCode::NO_CONTENT, "", ""))
}
