//! `assay packages` and `assay package`.

use super::{
    Context,
    client::Client,
    findings, inside as content,
    look::{Look, Sheet, Text, Tone, bytes, count, harmless, moment, short},
    personal::{self, PersonalCommand},
    views::{Detail, Row},
};
use anyhow::{Context as _, Result, bail};
use assay_engine::ScoredFinding;
use assay_model::package::State;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Packages that the server gives at a time.
const PAGE: usize = 500;
/// Decisions that are shown; the server keeps all.
const DECISIONS: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// In this repository
    #[arg(long, short, value_name = "NAME")]
    repository: Option<String>,
    /// Of this format
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<String>,
    /// In this state: pending, available, quarantined, hidden
    #[arg(long, short, value_name = "STATE", value_parser = state)]
    state: Option<State>,
    /// That fit this search (severity:high tag:pci); a word alone is a part of the name
    #[arg(long, short, value_name = "QUERY")]
    query: Option<String>,
    /// At most this many, newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Which package to show.
#[derive(Debug)]
pub(super) struct ShowArgs {
    package: String,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct PackageArgs {
    #[command(subcommand)]
    command: Option<PersonalCommand>,
    /// repository/format/name@version, repository/format/name:tag, format/name@version, or the number
    #[arg(required = true)]
    package: Option<String>,
}

/// Shows a package, or does with it what was said.
pub(super) async fn one(context: &Context, args: PackageArgs) -> Result<ExitCode> {
    match (args.command, args.package) {
        (Some(command), _) => personal::run(context, command).await,
        (None, Some(package)) => show(context, &ShowArgs { package }).await,
        (None, None) => bail!("name a package"),
    }
}

fn state(text: &str) -> Result<State, String> {
    State::parse(text).ok_or_else(|| "use pending, available, quarantined or hidden".to_owned())
}

pub(super) fn tone(state: State) -> Tone {
    match state {
        State::Available => Tone::Good,
        State::Quarantined => Tone::Bad,
        State::Pending => Tone::Warning,
        State::Hidden | State::Deleted => Tone::Faint,
    }
}

pub(super) async fn list(context: &Context, args: &ListArgs) -> Result<ExitCode> {
    let rows = rows(&context.client()?, args).await?;
    if context.out.json {
        context.out.data(&json!({"packages": rows}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = rows.into_iter().map(serde_json::from_value).collect::<Result<Vec<Row>, _>>()?;
    if rows.is_empty() {
        context.out.text("no package is stored that fits")?;
    } else {
        context.out.text(&table(&rows).render(context.out.look))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Page by page, as many as were asked for.
async fn rows(client: &Client, args: &ListArgs) -> Result<Vec<Value>> {
    let mut query: Vec<(&str, String)> = Vec::new();
    let asked = [("repository", &args.repository), ("format", &args.format), ("q", &args.query)];
    query.extend(asked.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query.extend(args.state.map(|state| ("state", state.as_str().to_owned())));
    let mut all: Vec<Value> = Vec::new();
    while all.len() < args.limit {
        let wanted = PAGE.min(args.limit - all.len());
        let mut page_of = query.clone();
        page_of.push(("limit", wanted.to_string()));
        page_of.extend(all.last().and_then(|row| row.get("id")).map(|id| ("before", id.to_string())));
        let mut answer: Value = client.get(&["packages"], &page_of).await?;
        let Some(Value::Array(page)) = answer.get_mut("packages").map(Value::take) else { break };
        let full = page.len() >= wanted;
        all.extend(page);
        if !full {
            break;
        }
    }
    Ok(all)
}

pub(super) fn table(rows: &[Row]) -> Sheet {
    let mut sheet =
        Sheet::new(&[">ID", "REPOSITORY", "FORMAT", "STATE", ">SIZE", "UPLOADED", ">PULLS", "FINDINGS", "PACKAGE"]);
    for row in rows {
        let worst = row.findings.keys().max().copied();
        let taken: usize = row.suppressed.values().sum();
        let taken = (taken > 0).then(|| format!("{taken} suppressed"));
        let counting = Some(findings::in_words(&row.findings)).filter(|found| !found.is_empty());
        let found = counting.into_iter().chain(taken).collect::<Vec<_>>().join(", ");
        let references =
            if row.references.is_empty() { String::new() } else { format!(" ({})", row.references.join(", ")) };
        sheet.row([
            row.id.to_string().into(),
            Text::from(&row.repository_name),
            Text::from(&row.format),
            Text::new(row.state.as_str(), tone(row.state)),
            bytes(row.size).into(),
            moment(row.uploaded_at).into(),
            row.downloads.count.to_string().into(),
            Text::new(if found.is_empty() { "-" } else { &found }, worst.map_or(Tone::Faint, findings::tone)),
            format!("{}{references}", short(&row.display)).into(),
        ]);
    }
    sheet
}

/// All that the server knows of a package, as it says it.
pub(super) async fn fetch(client: &Client, what: &str) -> Result<Value> {
    let id = client.find(what).await?;
    client.get(&["packages", &id.to_string()], &[]).await
}

pub(super) async fn show(context: &Context, args: &ShowArgs) -> Result<ExitCode> {
    let answer = fetch(&context.client()?, &args.package).await?;
    if context.out.json {
        context.out.data(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let detail: Detail = serde_json::from_value(answer).context("the server's answer is not understood")?;
    context.out.text(&page(detail, context.out.look))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn page(detail: Detail, look: Look) -> String {
    let mut parts = vec![header(&detail), files(&detail, look), signatures(&detail, look)];
    let mut found: Vec<ScoredFinding> = detail.findings.iter().cloned().map(ScoredFinding::from).collect();
    findings::sort(&mut found);
    parts.push(inside(&detail, &found));
    if !found.is_empty() {
        parts.push(findings::table(&found, look));
    }
    parts.push(content::secrets(&detail.inventory, look));
    parts.push(content::licenses(&detail.inventory, look));
    parts.push(content::gaps(&detail.inventory, look));
    parts.push(decisions(&detail, look));
    if let Some(event) = detail.events.first() {
        let last = format!("{} {}", harmless(&event.kind), moment(event.at));
        parts.push(format!("{} in the log, the last {last}", count(detail.events.len() as u64, "event", "events")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn header(detail: &Detail) -> String {
    let row = &detail.row;
    let mut lines = vec![
        format!("Package     {} (number {})", harmless(&row.display), row.id),
        format!(
            "Address     {}/{}/{}@{}",
            row.repository_name,
            row.format,
            harmless(&row.name),
            harmless(&row.version)
        ),
        format!("State       {}", row.state.as_str()),
        format!("Uploaded    {} by {}", moment(row.uploaded_at), harmless(&row.uploader)),
    ];
    lines.extend(detail.requester.as_ref().map(|who| format!("Taken for   {}", harmless(who))));
    if let Some(last) = row.downloads.last {
        lines.push(downloads(detail, last));
    }
    lines.extend(row.published_at.map(|at| format!("Published   {}", moment(at))));
    for (name, all) in [("Tags        ", row.tags.iter().cloned().collect()), ("References  ", row.references.clone())]
    {
        if !all.is_empty() {
            lines.push(format!("{name}{}", harmless(&all.join(", "))));
        }
    }
    if let Some(held) = &row.held {
        let until = held.expires_at.map_or_else(String::new, |end| format!(", until {}", moment(end)));
        let (author, reason) = (harmless(&held.author), harmless(&held.reason));
        lines.push(format!("By hand     {} by {author}: {reason}{until}", held.state.as_str()));
    }
    if let Some(said) = &detail.corrected_license {
        let (author, reason) = (harmless(&said.author), harmless(&said.reason));
        lines.push(format!("Licence     {} as {author} corrected it: {reason}", harmless(&said.expression)));
    }
    for one in &detail.approvals {
        let by = if one.author.is_empty() { String::new() } else { format!(" by {}", harmless(&one.author)) };
        lines.push(format!("Approval    {}{by} (policy {})", one.status.as_str(), one.policy));
    }
    if let Some(refusal) = &detail.refusal {
        lines.push(format!("Why         {}", harmless(&refusal.reasons.join("; "))));
        lines.push("            `assay explain` says more".to_owned());
    }
    lines.join("\n")
}

fn downloads(detail: &Detail, last: jiff::Timestamp) -> String {
    let pulls = &detail.pulls;
    let mut callers: Vec<(&String, &u64)> = pulls.callers.iter().collect();
    callers.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let callers: Vec<String> = callers.iter().take(5).map(|(who, n)| format!("{} {n}", harmless(who))).collect();
    let by = if callers.is_empty() { String::new() } else { format!(" ({})", callers.join(", ")) };
    format!(
        "Downloads   {}, the last {}; {} in the last 30 days{by}",
        detail.row.downloads.count,
        moment(last),
        pulls.month
    )
}

fn files(detail: &Detail, look: Look) -> String {
    if detail.files.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&["FILE", ">SIZE", "TYPE", "DIGEST"]);
    for file in &detail.files {
        sheet.row([
            Text::from(&file.path),
            bytes(file.size).into(),
            Text::from(&file.media_type),
            file.digest.to_string().into(),
        ]);
    }
    sheet.render(look)
}

fn signatures(detail: &Detail, look: Look) -> String {
    if detail.signatures.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&["SIGNATURE", "FORM", "VERIFIED", "BY", "BUILT FROM", "WHY NOT"]);
    for one in &detail.signatures {
        let (word, tone) = match one.verified {
            Some(true) => ("yes", Tone::Good),
            Some(false) => ("no", Tone::Bad),
            None => ("-", Tone::Plain),
        };
        let signer = one.signer.as_deref().unwrap_or_default();
        sheet.row([
            Text::from(&one.kind),
            Text::from(&one.form),
            Text::new(word, tone),
            short(&one.issuer.as_ref().map_or_else(|| signer.to_owned(), |by| format!("{signer} ({by})"))).into(),
            short(one.source.as_deref().unwrap_or_default()).into(),
            short(one.detail.as_deref().unwrap_or_default()).into(),
        ]);
    }
    sheet.render(look)
}

fn inside(detail: &Detail, found: &[ScoredFinding]) -> String {
    if !detail.inventoried {
        return "Inside      not inspected yet".to_owned();
    }
    let inventory = &detail.inventory;
    let mut text = format!("Inside      {}", count(inventory.components.len() as u64, "component", "components"));
    if let Some(os) = &inventory.os {
        text.push_str(&format!(" on {}", harmless(&os.name)));
    }
    if !inventory.skipped.is_empty() {
        let parts = count(inventory.skipped.len() as u64, "part was", "parts were");
        text.push_str(&format!("; {parts} not read"));
    }
    let read = match (inventory.analyzers.is_empty(), inventory.files_seen) {
        (true, seen) => format!("; {} seen, none of which names components", count(seen, "file", "files")),
        (false, _) => String::new(),
    };
    text.push_str(&read);
    if !inventory.secrets.is_empty() {
        text.push_str(&format!("\nSecrets     {}", count(inventory.secrets.len() as u64, "secret", "secrets")));
    }
    let found = findings::in_words(&findings::totals(found));
    format!("{text}\nFindings    {}", if found.is_empty() { "none" } else { &found })
}

fn decisions(detail: &Detail, look: Look) -> String {
    if detail.decisions.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&["DECISION", "AT", "STATE", "POLICIES", "CAUSE"]);
    for decision in detail.decisions.iter().take(DECISIONS) {
        let policies: Vec<&str> = decision.verdicts.iter().map(|verdict| verdict.policy.as_str()).collect();
        sheet.row([
            decision.id.to_string().into(),
            moment(decision.at).into(),
            Text::new(decision.state.as_str(), tone(decision.state)),
            if policies.is_empty() { "-".into() } else { policies.join(", ").into() },
            Text::from(&decision.trigger),
        ]);
    }
    sheet.render(look)
}
