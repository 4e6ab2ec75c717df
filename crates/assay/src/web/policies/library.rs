//! The ready policies, with what installs them.

use crate::web::{Outcome, WebRequest, frame::Frame, reply};
use askama::Template;
use assay_engine::Engine;
use assay_policy::library::{self, Ready, command, settings};
use std::sync::Arc;

/// A ready policy for people.
struct ReadyView {
    name: &'static str,
    title: &'static str,
    summary: &'static str,
    guidance: &'static str,
    precedence: u16,
    terminal: bool,
    actions: String,
    needs: String,
    command: String,
    settings: Vec<SettingView>,
    /// Stored policies that were made from it.
    installed: Vec<String>,
}

struct SettingView {
    name: &'static str,
    expects: String,
    default: String,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "library.html")]
struct LibraryPage {
    frame: Frame,
    policies: Vec<ReadyView>,
}

fn view(ready: &'static Ready, stored: &[assay_model::policy::Policy]) -> ReadyView {
    let sheet = &ready.sheet;
    let used = stored.iter().filter(|policy| settings::origin(&policy.rego) == Some(&sheet.name));
    let setting = |one: &'static settings::Setting| SettingView {
        name: &one.name,
        expects: one.expects(),
        default: if one.required { "must be set".into() } else { super::flat(&one.default) },
        about: &one.about,
    };
    ReadyView {
        name: &sheet.name,
        title: &sheet.title,
        summary: &sheet.summary,
        guidance: &sheet.description,
        precedence: sheet.precedence,
        terminal: sheet.terminal,
        actions: sheet.actions.join(", "),
        needs: sheet.needs.join(", "),
        command: command(ready),
        settings: sheet.settings.iter().map(setting).collect(),
        installed: used.map(|policy| policy.slug.clone()).collect(),
    }
}

/// The page.
///
/// # Errors
/// `Forbidden` for callers who may not read all repositories.
pub(in crate::web) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let stored = engine.policies(&request.caller).await?;
    let policies = library::all()?.iter().map(|ready| view(ready, &stored)).collect();
    reply::html(200, &LibraryPage { frame: Frame::of(request, "Ready policies", "policies"), policies })
}
