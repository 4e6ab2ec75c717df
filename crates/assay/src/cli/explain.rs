//! `assay explain`: why a package is in its state, and what would help.

use super::{
    Context,
    look::{harmless, moment, short},
    packages,
    views::Detail,
};
use anyhow::{Context as _, Result};
use assay_engine::Explanation;
use assay_model::{
    decision::{Cited, Decision, Outcome, Verdict},
    package::State,
    waiver::Waiver,
};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Vulnerabilities that are named; `assay package` lists all.
const CITED: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// repository/format/name@version, repository/format/name:tag, format/name@version, or the number
    package: String,
    /// Compare with what was in force then: 30m, 24h, 7d ago, 2026-08-01, or a full time
    #[arg(long, value_name = "WHEN", default_value = "1d")]
    since: String,
}

pub(super) async fn run(context: &Context, args: &ExplainArgs) -> Result<ExitCode> {
    let client = context.client()?;
    let answer = packages::fetch(&client, &args.package).await?;
    let id = answer.get("id").map(Value::to_string).unwrap_or_default();
    let why: Value = client.get(&["packages", &id, "explain"], &[("since", args.since.clone())]).await?;
    if context.out.json {
        let mut data = data(&answer);
        if let Some(members) = data.as_object_mut() {
            members.insert("explanation".to_owned(), why);
        }
        context.out.data(&data)?;
        return Ok(ExitCode::SUCCESS);
    }
    let unclear = "the server's answer is not understood";
    let detail: Detail = serde_json::from_value(answer).context(unclear)?;
    let why: Explanation = serde_json::from_value(why).context(unclear)?;
    context.out.text(&format!("{}\n{}", explain(&detail), story(&why)))?;
    Ok(ExitCode::SUCCESS)
}

/// The members that explain, as the server gave them.
fn data(answer: &Value) -> Value {
    let member = |name: &str| answer.get(name).cloned().unwrap_or_default();
    json!({
        "id": member("id"), "package": member("display"), "repository": member("repository_name"), "format": member("format"),
        "state": member("state"), "tags": member("tags"), "refusal": member("refusal"), "held": member("held"),
        "corrected_license": member("corrected_license"), "approvals": member("approvals"),
        "decision": answer.get("decisions").and_then(|all| all.get(0)).cloned(),
    })
}

pub(super) fn explain(detail: &Detail) -> String {
    let row = &detail.row;
    let mut lines = vec![format!(
        "{} in {}/{} is {}",
        harmless(&short(&row.display)),
        row.repository_name,
        row.format,
        row.state.as_str().to_uppercase()
    )];
    if let Some(held) = &row.held {
        let until = held.expires_at.map_or_else(String::new, |end| format!(" until {}", moment(end)));
        let (author, reason) = (harmless(&held.author), harmless(&held.reason));
        lines.push(format!("Set by hand to {}{until} by {author}: {reason}", held.state.as_str()));
        lines.push("That outranks the decision until it ends (`assay package clear`):".to_owned());
    }
    match detail.decisions.first() {
        Some(decision) => lines.extend(of_decision(decision)),
        None if row.state == State::Pending => {
            lines.push("It is not decided yet: it is still being inspected.".to_owned())
        }
        None => lines.push("No decision was needed: no policy is in force.".to_owned()),
    }
    lines.extend(waived(&detail.waivers));
    if let Some(refusal) = &detail.refusal {
        let nearest = refusal.nearest_allowed.as_deref().map(harmless);
        lines.push(String::new());
        lines.push(match nearest {
            Some(version) => format!("Nearest allowed version: {version}"),
            None => "No allowed version of it is known here.".to_owned(),
        });
        if detail.decisions.is_empty() {
            lines.extend(refusal.policies.iter().map(|policy| format!("Policy  {}", harmless(policy))));
            lines.extend(refusal.reasons.iter().map(|reason| format!("  {}", harmless(reason))));
            lines.extend(cited(&refusal.vulnerabilities));
        }
        lines.push(format!("Details: {}", harmless(&refusal.link)));
    }
    lines.join("\n")
}

fn waived(waivers: &[Waiver]) -> Vec<String> {
    if waivers.is_empty() {
        return Vec::new();
    }
    let line = |waiver: &Waiver| {
        let (author, reason) = (harmless(&waiver.author), harmless(&waiver.reason));
        format!("  {} by {author} until {}: {reason}", waiver.id, moment(waiver.expires_at))
    };
    [String::new(), "Waivers in use".to_owned()].into_iter().chain(waivers.iter().map(line)).collect()
}

/// Policy by policy, then action by action, then what is different since.
pub(super) fn story(why: &Explanation) -> String {
    let mut lines = Vec::new();
    if !why.policies.is_empty() {
        lines.extend([String::new(), "Policies".to_owned()]);
    }
    for one in &why.policies {
        let said = match (&one.outcome, &one.waived_by) {
            (Outcome::Match, Some(waiver)) => format!("matched, and is waived by {waiver}"),
            (Outcome::Match, None) => "matched".to_owned(),
            (Outcome::NoMatch, _) => "did not match".to_owned(),
            (Outcome::Failed(error), _) => format!("failed: {}", harmless(error)),
        };
        lines.push(format!("  {} (revision {}) {said}", one.policy, one.revision));
        lines.extend(one.facts.iter().map(|fact| format!("    {}", harmless(&short(fact)))));
    }
    if !why.outcome.is_empty() {
        lines.extend([String::new(), "Outcome".to_owned()]);
        lines.extend(why.outcome.iter().map(|line| format!("  {}", harmless(line))));
    }
    lines.extend([String::new(), format!("Since {}", moment(why.since))]);
    lines.extend(why.notes.iter().map(|note| format!("  ({})", harmless(note))));
    let parts = [("facts", &why.changes.facts), ("rules", &why.changes.rules), ("outcome", &why.changes.outcome)];
    for (name, changes) in parts {
        lines.extend(changes.iter().map(|line| format!("  {name:<8}{}", harmless(&short(line)))));
    }
    if why.changes.is_empty() && why.then.is_some() {
        lines.push("  nothing is different".to_owned());
    }
    for step in &why.steps {
        lines.push(format!("  {}  {}: {}", moment(step.at), harmless(&step.trigger), step.state.as_str()));
    }
    lines.join("\n")
}

fn of_decision(decision: &Decision) -> Vec<String> {
    let mut lines = vec![
        format!("Decision  {} at {}", decision.id, moment(decision.at)),
        format!("Cause     {}", harmless(&decision.trigger)),
    ];
    if !decision.tags_added.is_empty() {
        let tags: Vec<String> = decision.tags_added.iter().map(|tag| harmless(tag)).collect();
        lines.push(format!("Tags      {}", tags.join(", ")));
    }
    lines.push(String::new());
    if decision.verdicts.is_empty() {
        let n = decision.evaluated;
        lines.push(format!("None of {n} {} matched.", if n == 1 { "policy" } else { "policies" }));
    }
    lines.extend(decision.verdicts.iter().flat_map(of_verdict));
    for awaited in &decision.awaited {
        lines.push(format!("Awaits approval (policy {}): `assay package approve`", harmless(&awaited.policy)));
    }
    for ending in &decision.endings {
        let (state, policy) = (harmless(&ending.state), harmless(&ending.policy));
        lines.push(format!("Is {state} from {} (policy {policy})", moment(ending.at)));
    }
    for notice in &decision.notices {
        lines.push(format!("Told to channel {} (policy {})", harmless(&notice.channel), harmless(&notice.policy)));
    }
    lines.extend(cited(&decision.vulnerabilities));
    lines
}

fn of_verdict(verdict: &Verdict) -> Vec<String> {
    let said = match &verdict.outcome {
        Outcome::Match => match &verdict.waived_by {
            Some(waiver) => format!("matched, and is waived by {waiver}"),
            None => "matched".to_owned(),
        },
        Outcome::NoMatch => "did not match".to_owned(),
        Outcome::Failed(error) => format!("failed: {}", harmless(error)),
    };
    let mut lines =
        vec![format!("Policy {} ({} revision {}) {said}", harmless(&verdict.name), verdict.policy, verdict.revision)];
    if !verdict.description.is_empty() {
        lines.push(format!("  {}", harmless(&verdict.description)));
    }
    lines.extend(verdict.reasons.iter().map(|reason| format!("  - {}", harmless(reason))));
    lines
}

fn cited(all: &[Cited]) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Vulnerabilities".to_owned()];
    for one in all.iter().take(CITED) {
        let score = one.score.map(|score| format!(" {score:.1}")).unwrap_or_default();
        let fixed =
            one.fixed.as_ref().map_or_else(|| "no fix known".to_owned(), |v| format!("fixed in {}", harmless(v)));
        lines.push(format!(
            "  {} {}{score} in {}, {fixed}: {}",
            harmless(&one.id),
            one.severity.as_str(),
            harmless(&one.component),
            harmless(&one.title)
        ));
    }
    if all.len() > CITED {
        lines.push(format!("  and {} more", all.len() - CITED));
    }
    lines
}
