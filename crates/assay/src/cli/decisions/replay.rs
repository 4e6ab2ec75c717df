//! `assay decisions replay`: recomputes decisions on a server, page by page, and tells what comes out otherwise.

use crate::cli::{
    Context,
    client::Client,
    feeds::progress::Progress,
    look::{count, harmless, moment, thousands},
};
use anyhow::{Context as _, Result, bail};
use assay_engine::{Differing, Replayed};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReplayArgs {
    /// Ids of decisions
    #[arg(value_name = "ID", conflicts_with_all = ["package", "all"])]
    ids: Vec<String>,
    /// All decisions about this package: repository/format/name@version, or its number
    #[arg(long, value_name = "PACKAGE", conflicts_with = "all")]
    package: Option<String>,
    /// All decisions
    #[arg(long)]
    all: bool,
    /// Only those since: 2026-08-01, a full time, or 30m, 24h, 7d ago
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

pub(super) async fn run(context: &Context, client: &Client, args: &ReplayArgs) -> Result<ExitCode> {
    if args.ids.is_empty() && args.package.is_none() && !args.all {
        bail!("say which decisions: their ids, --package PACKAGE, or --all (with --since to begin later)");
    }
    let package = match &args.package {
        Some(what) => Some(client.find(what).await?),
        None => None,
    };
    let since = match &args.since {
        Some(text) => {
            Some(crate::http::moment(text, jiff::Timestamp::now()).map_err(|problem| anyhow::anyhow!("{problem}"))?)
        }
        None => None,
    };
    let ids: Vec<&str> = args.ids.iter().map(|id| id.split('-').next().unwrap_or(id)).collect();
    let progress = Progress::start("replaying", false);
    let mut whole = Replayed::default();
    let mut after: Option<Value> = None;
    loop {
        let scope = json!({"decisions": ids, "package": package, "since": since, "after": after});
        let answer = client.post(&["decisions", "replay"], &scope).await?;
        let part: Replayed = serde_json::from_value(answer).context("the server's answer is not understood")?;
        after = part.next.as_ref().map(|id| json!(id));
        add(&mut whole, part);
        progress.set(whole.examined, whole.total, false);
        if after.is_none() {
            break;
        }
    }
    progress.finish("done");
    whole.next = None;
    if context.out.json {
        context.out.data(&whole)?;
    } else {
        context.out.text(&told(&whole))?;
    }
    Ok(if whole.different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn add(whole: &mut Replayed, part: Replayed) {
    whole.examined += part.examined;
    whole.same += part.same;
    whole.different += part.different;
    for (why, n) in part.skipped {
        *whole.skipped.entry(why).or_default() += n;
    }
    whole.differing.extend(part.differing);
    whole.total = whole.total.or(part.total);
}

fn told(whole: &Replayed) -> String {
    let mut lines: Vec<String> = whole.differing.iter().flat_map(differing).collect();
    let n = count(whole.examined, "decision", "decisions");
    lines.push(format!(
        "{n} examined, {} recomputed as recorded, {} different",
        thousands(whole.same),
        thousands(whole.different)
    ));
    lines.extend(whole.skipped.iter().map(|(why, n)| format!("{} not recomputed: {why}", thousands(*n))));
    lines.join("\n")
}

fn differing(one: &Differing) -> Vec<String> {
    let mut lines =
        vec![format!("{} about {} at {} comes out otherwise:", one.decision, harmless(&one.about), moment(one.at))];
    for difference in &one.differences {
        let shown = |value: &Value| harmless(&value.to_string().chars().take(300).collect::<String>());
        lines.push(format!("  {}", harmless(&difference.what)));
        lines.push(format!("    recorded  {}", shown(&difference.recorded)));
        lines.push(format!("    replayed  {}", shown(&difference.replayed)));
    }
    lines
}
