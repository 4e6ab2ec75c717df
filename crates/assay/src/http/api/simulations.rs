//! Policies tried without being saved: on everything stored, and on the past. Nothing is applied.

use super::{Answer, App, Call, ok, plain};
use assay_engine::{BacktestTrial, SimulationStep, Trial};
use assay_model::problem::Problem;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};

/// Steps that wait for a slow reader; then the simulation waits as well.
const AHEAD: usize = 256;
const LINES: &str = "application/x-ndjson";

pub(crate) async fn simulate(app: Arc<App>, mut call: Call) -> Answer {
    let trial: Trial = call.json().await?;
    let simulation = app.engine.prepare_simulation(&call.caller, trial).await?;
    let engine = app.engine.clone();
    let run = move |watch| async move { value(engine.run_simulation(simulation, watch).await?) };
    answered(in_lines(&call), run).await
}

pub(crate) async fn backtest(app: Arc<App>, mut call: Call) -> Answer {
    let asked: BacktestTrial = call.json().await?;
    let simulation = app.engine.prepare_backtest(&call.caller, &asked).await?;
    let engine = app.engine.clone();
    let run = move |watch| async move { value(engine.run_backtest(simulation, asked, watch).await?) };
    answered(in_lines(&call), run).await
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let all = app.engine.kept_reports(&call.caller).await?;
    let line = |r: &assay_model::seam::meta::KeptReport| json!({"id": r.id, "kind": r.kind, "at": r.at, "author": r.author, "title": r.title});
    ok(&json!({"reports": all.iter().map(line).collect::<Vec<_>>()}))
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.kept_report(&call.caller, call.param("id")).await?)
}

fn value(report: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(report).map_err(|e| Problem::internal("cannot write a report", e))
}

/// Whether each step is asked for.
fn in_lines(call: &Call) -> bool {
    call.headers.get("accept").and_then(|v| v.to_str().ok()).is_some_and(|accepted| accepted.contains(LINES))
}

/// The report, or for who asks for lines: each step, then the report.
async fn answered<F, R>(in_lines: bool, run: F) -> Answer
where
    F: FnOnce(Option<Sender<SimulationStep>>) -> R,
    R: Future<Output = Result<Value, Problem>> + Send + 'static,
{
    if !in_lines {
        return ok(&run(None).await?);
    }
    let (send, receive) = mpsc::channel(AHEAD);
    let task = tokio::spawn(run(Some(send)));
    let mut reply = plain(StatusCode::OK, LINES, "");
    *reply.body_mut() = Body::from_stream(stream::unfold(Running::Steps(receive, task), next));
    Ok(reply)
}

/// A simulation whose steps are being told. Dropping it ends the simulation: nobody takes its steps.
enum Running {
    Steps(Receiver<SimulationStep>, JoinHandle<Result<Value, Problem>>),
    Over,
}

async fn next(running: Running) -> Option<(Result<Bytes, std::io::Error>, Running)> {
    let Running::Steps(mut receive, task) = running else { return None };
    if let Some(step) = receive.recv().await {
        return Some((Ok(line(&step)), Running::Steps(receive, task)));
    }
    let last = match task.await {
        Ok(Ok(report)) => line(&json!({"report": report})),
        Ok(Err(problem)) => failed(&problem),
        Err(e) => failed(&Problem::internal("the simulation broke off", e)),
    };
    Some((Ok(last), Running::Over))
}

fn failed(problem: &Problem) -> Bytes {
    super::super::answer::note(problem);
    line(&json!({"error": {"code": problem.code, "message": problem.message}}))
}

fn line(value: &impl Serialize) -> Bytes {
    let mut text = serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec());
    text.push(b'\n');
    Bytes::from(text)
}
