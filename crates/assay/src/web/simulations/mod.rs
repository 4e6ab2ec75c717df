//! Trying policies: a form, the reports that are kept, and each as a picture. Nothing here changes a policy.

mod compare;
mod past;
mod picture;

use super::{Outcome, WebRequest, frame::Frame, pieces::When, query::Query, reply};
use askama::Template;
use assay_engine::{Engine, KEPT_HOURS, PolicyTrial, Trial};
use assay_model::{policy::Policy, problem::Problem, seam::meta::KeptReport};
use past::PastPage;
use picture::SimulationPage;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Largest form, in bytes: a policy travels in it.
const FORM_BYTES: usize = 64 << 10;

/// The fields of the form.
pub(super) struct Form {
    name: String,
    rego: String,
    /// The word of the action that is chosen.
    action: &'static str,
    alone: bool,
    /// Whether a stored policy is edited.
    stored: bool,
    enabled: bool,
}

#[derive(Template)]
#[template(path = "simulations.html")]
pub(super) struct SimulationsPage {
    pub(super) frame: Frame,
    form: Form,
    reports: Vec<Line>,
    stored: Vec<(String, String, bool)>,
    hours: i64,
}

struct Line {
    id: String,
    past: bool,
    title: String,
    author: String,
    at: When,
}

impl Line {
    fn of(report: KeptReport) -> Self {
        let past = report.kind == "backtest";
        Self { id: report.id, past, title: report.title, author: report.author, at: When(report.at) }
    }
}

/// The kept reports, and a form for a policy that is not stored.
///
/// # Errors
/// `Forbidden` unless the caller is an administrator.
pub(super) async fn list(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let form = Form {
        name: String::new(),
        rego: "package assay\n\nimport rego.v1\n\ndefault match := false\n".to_owned(),
        action: "quarantine",
        alone: false,
        stored: false,
        enabled: true,
    };
    page(engine, request, form, "Try policies").await
}

/// The same with a stored policy in the form.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(super) async fn form(engine: &Arc<Engine>, request: &WebRequest, slug: &str) -> Outcome {
    let policy = engine.policies(&request.caller).await?.into_iter().find(|p| p.slug == slug);
    let policy: Policy =
        policy.ok_or_else(|| Problem::not_found(format!("there is no policy `{slug}`; it may have been removed")))?;
    let title = format!("Try {}", policy.name);
    let form =
        Form { name: policy.name, rego: policy.rego, action: "", alone: false, stored: true, enabled: policy.enabled };
    page(engine, request, form, &title).await
}

async fn page(engine: &Arc<Engine>, request: &WebRequest, form: Form, title: &str) -> Outcome {
    let reports = engine.kept_reports(&request.caller).await?.into_iter().map(Line::of).collect();
    let stored = engine.policies(&request.caller).await?;
    let stored = stored.into_iter().map(|p| (p.slug, p.name, p.enabled)).collect();
    let frame = Frame::of(request, title, "policies");
    reply::html(200, &SimulationsPage { frame, form, reports, stored, hours: KEPT_HOURS })
}

/// Runs what the form says and goes to its report.
///
/// # Errors
/// As saving the policy would; `Busy` while another one runs.
pub(super) async fn run(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let form = Query::within(&request.body, FORM_BYTES)?;
    let name = form.get("name").ok_or_else(|| Problem::invalid("no-name", "the policy needs a name"))?;
    let actions = match form.get("action") {
        Some(word) => Some(vec![assay_policy::parse_shorthand(word)?]),
        None => None,
    };
    let policy = PolicyTrial {
        name: name.to_owned(),
        rego: form.get("rego").map(|text| text.replace("\r\n", "\n")),
        actions,
        enabled: Some(form.get("disabled").is_none()),
        ..PolicyTrial::default()
    };
    let trial = Trial { policies: vec![policy], alone: form.get("alone").is_some(), ..Trial::default() };
    let simulation = engine.prepare_simulation(&request.caller, trial).await?;
    let report = engine.run_simulation(simulation, None).await?;
    Ok(reply::see_other(&format!("/ui/simulations/{}", report.id.unwrap_or_default())))
}

/// One report.
///
/// # Errors
/// `NotFound` once it is forgotten; `Forbidden`.
pub(super) async fn one(engine: &Arc<Engine>, request: &WebRequest, id: &str) -> Outcome {
    let kept = engine.kept_report(&request.caller, id).await?;
    let title = format!("{}: {}", if kept.kind == "backtest" { "Backtest" } else { "Simulation" }, kept.title);
    let frame = Frame::of(request, title, "policies");
    if kept.kind == "backtest" {
        return reply::html(200, &PastPage::of(frame, document(&kept)?, kept.author));
    }
    reply::html(200, &SimulationPage::of(frame, document(&kept)?, kept.author))
}

fn document<T: DeserializeOwned>(kept: &KeptReport) -> Result<T, Problem> {
    serde_json::from_value(kept.document.clone()).map_err(|e| Problem::internal("a kept report cannot be read", e))
}
