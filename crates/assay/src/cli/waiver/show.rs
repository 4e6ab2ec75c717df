//! What `assay waiver` prints.

use crate::cli::{
    Context,
    look::{Sheet, Text, harmless, moment, short},
};
use anyhow::{Context as _, Result};
use assay_engine::WaiverUses;
use assay_model::waiver::{Approval, Waiver, WaiverRules, WaiverScope};
use serde_json::Value;

pub(super) async fn list(context: &Context, query: &[(&str, String)]) -> Result<()> {
    let mut answer: Value = context.client()?.get(&["waivers"], query).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows = answer.get_mut("waivers").map(Value::take).unwrap_or_default();
    let rows: Vec<Waiver> = serde_json::from_value(rows).context("the server's answer is not understood")?;
    if rows.is_empty() {
        return context.out.text("there is no such waiver; `assay waiver add` asks for one");
    }
    let mut sheet = Sheet::new(&["ID", "STATUS", "ENDS", "AUTHOR", "SCOPE", "REASON"]);
    for waiver in &rows {
        sheet.row([
            Text::from(&waiver.id.0),
            waiver.status.as_str().into(),
            moment(waiver.expires_at).into(),
            Text::from(&waiver.author),
            short(&scope(&waiver.scope)).into(),
            short(&waiver.reason).into(),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

/// What a waiver is about, in one line.
fn scope(scope: &WaiverScope) -> String {
    let packages =
        scope.packages.iter().map(|range| format!("{} {}", range.purl, range.versions).trim_end().to_owned());
    let mut parts: Vec<String> = scope.vulnerabilities.iter().cloned().chain(packages).collect();
    if !scope.repositories.is_empty() {
        parts.push(format!("in {}", scope.repositories.join(", ")));
    }
    if !scope.policies.is_empty() {
        parts.push(format!("for {}", scope.policies.iter().cloned().collect::<Vec<_>>().join(", ")));
    }
    parts.join("; ")
}

pub(super) async fn one(context: &Context, id: &str) -> Result<()> {
    let answer: Value = context.client()?.get(&["waivers", id], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let waiver: Waiver = serde_json::from_value(answer)?;
    let mut lines = vec![
        format!("Waiver    {} is {}", waiver.id, waiver.status.as_str()),
        format!("Scope     {}", harmless(&scope(&waiver.scope))),
        format!("Reason    {}", harmless(&waiver.reason)),
        format!("Author    {}, {}", harmless(&waiver.author), moment(waiver.created_at)),
    ];
    lines.extend(waiver.approver.as_ref().map(|who| format!("Decided   by {}", harmless(who))));
    if !waiver.comment.is_empty() {
        lines.push(format!("Comment   {}", harmless(&waiver.comment)));
    }
    lines.push(format!("Ends      {}", moment(waiver.expires_at)));
    lines.push(format!("Changed   {}", moment(waiver.changed_at)));
    lines.extend(waiver.replaces.as_ref().map(|old| format!("Replaces  {old}")));
    if let Some(vex) = &waiver.vex {
        let why = vex.justification.as_deref().unwrap_or_default();
        lines.push(format!("As VEX    {} {why}", vex.status.as_str()));
    }
    context.out.text(&lines.join("\n"))
}

pub(super) async fn uses(context: &Context, id: &str) -> Result<()> {
    let answer: Value = context.client()?.get(&["waivers", id, "uses"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let WaiverUses { uses } = serde_json::from_value(answer)?;
    if uses.is_empty() {
        return context.out.text("no decision rested on it so far");
    }
    let mut sheet = Sheet::new(&["WHEN", "STILL", "DECISION", "DOWNLOADED BY", "PACKAGE"]);
    for one in &uses {
        let pulled: Vec<&str> = one.pulled_by.iter().map(String::as_str).collect();
        sheet.row([
            moment(one.used.at).into(),
            if one.current { "yes" } else { "no" }.into(),
            Text::from(&one.used.decision.0),
            pulled.join(", ").into(),
            short(&one.name).into(),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

pub(super) fn rules(rules: &WaiverRules) -> String {
    let approval = match rules.approval {
        Approval::None => "none: waivers are in force when they are made",
        Approval::Required => "required, by another administrator than the author",
    };
    let days: Vec<String> = rules.notice_days.iter().rev().map(u32::to_string).collect();
    format!(
        "Approval  {approval}\nLongest   {} days\nNotice    {} days before the end",
        rules.max_days,
        days.join(", ")
    )
}
