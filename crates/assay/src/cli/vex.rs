//! `assay vex`: documents that say whether products are affected, whose word is trusted, and what we say ourselves.

use super::{
    Context,
    look::{Sheet, Text, count, harmless, moment, short},
};
use anyhow::{Context as _, Result, bail};
use assay_engine::{VexAdded, VexApplied, VexDetail};
use assay_model::vex::{TrustRule, VexDocument, VexTrust};
use clap::Subcommand;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The largest document that is sent, in bytes.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum VexCommand {
    /// Upload a document: OpenVEX, CSAF or CycloneDX; a revision takes the place of what it revises
    Add {
        /// The document
        file: PathBuf,
    },
    /// List documents, the newest first
    List {
        /// uploaded, attached or feed
        #[arg(long, value_name = "KIND")]
        origin: Option<String>,
        /// With a statement about this vulnerability
        #[arg(long, value_name = "ID")]
        vulnerability: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show a document with its statements
    Show {
        /// Its number
        id: i64,
    },
    /// Show whom a document is about: findings that its statements speak of, and what comes of it
    Applied {
        /// Its number
        id: i64,
    },
    /// Remove a document; what it answered for counts again
    Remove {
        /// Its number
        id: i64,
    },
    /// Whose statements are trusted
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Print what is said of stored packages as OpenVEX: waivers, trusted statements, and what is open
    Export {
        /// Packages of this repository
        #[arg(long, short, value_name = "NAME")]
        repository: Option<String>,
        /// This package: repository/format/name@version, or the number
        #[arg(long, value_name = "PACKAGE")]
        package: Option<String>,
        /// Write it to this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// List the rules; the first that fits counts
    List,
    /// Replace the rules
    Set {
        /// yes or no, then what it holds for: "yes origin=attached from=prod-* author=Example*"; may be repeated
        #[arg(long, value_name = "RULE", value_parser = rule)]
        rule: Vec<TrustRule>,
        /// Back to the default: what is uploaded or from a feed is trusted, what is attached is not
        #[arg(long, conflicts_with = "rule")]
        default: bool,
    },
}

fn rule(text: &str) -> Result<TrustRule, String> {
    let mut words = text.split_whitespace();
    let trusted = match words.next() {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err("a rule begins with yes or no".to_owned()),
    };
    let mut rule = TrustRule { origin: String::new(), author: String::new(), from: String::new(), trusted };
    // An author's name may have spaces: what has no `=` goes on with what was before.
    let mut last: Option<&mut String> = None;
    for word in words {
        match (word.split_once('='), last.take()) {
            (Some(("origin", value)), _) => {
                value.clone_into(&mut rule.origin);
                last = None;
            }
            (Some(("author", value)), _) => {
                value.clone_into(&mut rule.author);
                last = Some(&mut rule.author);
            }
            (Some(("from", value)), _) => {
                value.clone_into(&mut rule.from);
                last = None;
            }
            (None, Some(author)) => {
                author.push(' ');
                author.push_str(word);
                last = Some(author);
            }
            _ => return Err(format!("`{word}` is none of origin=, author=, from=")),
        }
    }
    Ok(rule)
}

pub(super) async fn run(context: &Context, command: VexCommand) -> Result<ExitCode> {
    match command {
        VexCommand::Add { file } => add(context, &file).await?,
        VexCommand::List { origin, vulnerability, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(origin.map(|kind| ("origin", kind)));
            query.extend(vulnerability.map(|id| ("vulnerability", id)));
            list(context, &query).await?;
        }
        VexCommand::Show { id } => show(context, id).await?,
        VexCommand::Applied { id } => applied(context, id).await?,
        VexCommand::Remove { id } => {
            context.client()?.delete(&["vex", &id.to_string()]).await?;
            match context.out.json {
                true => context.out.data(&json!({"removed": id}))?,
                false => context.out.text(&format!("document {id} removed; what it answered for counts again"))?,
            }
        }
        VexCommand::Trust(command) => trust(context, command).await?,
        VexCommand::Export { repository, package, output } => {
            let asked = [("repository", repository), ("package", package)];
            let query: Vec<(&str, String)> = asked.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            export(context, &query, output.as_deref()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(context: &Context, file: &Path) -> Result<()> {
    let unreadable = || format!("cannot read {}", file.display());
    if std::fs::metadata(file).with_context(unreadable)?.len() > MAX_BYTES {
        bail!("{} is larger than {} MiB, and no document that is taken is", file.display(), MAX_BYTES >> 20);
    }
    let bytes = std::fs::read(file).with_context(unreadable)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let answer = context.client()?.post_bytes(&["vex"], &[("name", name)], bytes).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let added: VexAdded = serde_json::from_value(answer)?;
    let document = &added.document;
    context.out.text(&format!(
        "document {} ({}) is {}: {}, {} decided again",
        document.id.0,
        harmless(&document.name),
        added.change,
        count(document.statements, "statement", "statements"),
        count(added.packages as u64, "package is", "packages are")
    ))
}

async fn list(context: &Context, query: &[(&str, String)]) -> Result<()> {
    let mut answer: Value = context.client()?.get(&["vex"], query).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows = answer.get_mut("documents").map(Value::take).unwrap_or_default();
    let rows: Vec<VexDocument> = serde_json::from_value(rows).context("the server's answer is not understood")?;
    if rows.is_empty() {
        return context.out.text("there is no such document; `assay vex add FILE` uploads one");
    }
    let mut sheet = Sheet::new(&[">ID", "ORIGIN", "FROM", ">STATEMENTS", "SINCE", "AUTHOR", "NAME"]);
    for one in &rows {
        sheet.row([
            one.id.0.to_string().into(),
            one.origin.kind().into(),
            Text::from(&one.origin.name().to_owned()),
            one.statements.to_string().into(),
            moment(one.at).into(),
            short(&one.author).into(),
            short(&one.name).into(),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

async fn show(context: &Context, id: i64) -> Result<()> {
    let answer: Value = context.client()?.get(&["vex", &id.to_string()], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let detail: VexDetail = serde_json::from_value(answer)?;
    let document = &detail.document;
    let mut text = format!(
        "Document  {}\nOrigin    {} {}\nSince     {}\nDigest    {}\n\n",
        harmless(&document.name),
        document.origin.kind(),
        harmless(document.origin.name()),
        moment(document.at),
        document.digest
    );
    let mut sheet = Sheet::new(&["STATUS", "TRUSTED", "VULNERABILITY", "PRODUCTS", "AUTHOR", "WHY"]);
    for said in &detail.said {
        let one = &said.statement;
        let ids: Vec<&str> = one.vulnerability.iter().map(String::as_str).collect();
        let products =
            one.products.iter().flat_map(|product| product.purls.iter().chain(&product.digests).chain(&product.parts));
        let products: Vec<&str> = products.map(String::as_str).collect();
        let why = one.statement.as_deref().or(one.justification.as_deref()).unwrap_or_default();
        sheet.row([
            one.status.as_str().into(),
            if said.trusted { "yes" } else { "no" }.into(),
            short(&ids.join(", ")).into(),
            short(&products.join(", ")).into(),
            short(&one.author).into(),
            short(why).into(),
        ]);
    }
    text.push_str(&sheet.render(context.out.look));
    context.out.text(&text)
}

async fn applied(context: &Context, id: i64) -> Result<()> {
    let answer: Value = context.client()?.get(&["vex", &id.to_string(), "applied"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let applied: VexApplied = serde_json::from_value(answer)?;
    if applied.findings.is_empty() {
        return context.out.text("it speaks of no finding of a stored package");
    }
    let mut sheet = Sheet::new(&["PACKAGE", "VULNERABILITY", "COMPONENT", "SAYS", "EFFECT"]);
    for one in &applied.findings {
        sheet.row([
            Text::from(&one.name),
            one.vulnerability.as_str().into(),
            short(&one.component).into(),
            one.status.as_str().into(),
            one.effect().into(),
        ]);
    }
    let more = if applied.more { "\nand more" } else { "" };
    context.out.text(&format!("{}{more}", sheet.render(context.out.look).trim_end()))
}

async fn trust(context: &Context, command: TrustCommand) -> Result<()> {
    let client = context.client()?;
    let answer: Value = match command {
        TrustCommand::List => client.get(&["vex", "trust"], &[]).await?,
        TrustCommand::Set { rule, default } => {
            if rule.is_empty() && !default {
                bail!("say which rules: --rule \"yes origin=uploaded\" --rule \"no\", or --default");
            }
            let wanted = if default { VexTrust::default() } else { VexTrust { rules: rule } };
            client.post(&["vex", "trust"], &serde_json::to_value(&wanted)?).await?
        }
    };
    if context.out.json {
        return context.out.data(&answer);
    }
    let rules: VexTrust = serde_json::from_value(answer)?;
    let mut sheet = Sheet::new(&["TRUSTED", "ORIGIN", "FROM", "AUTHOR"]);
    let or_any = |text: &String| if text.is_empty() { "any".to_owned() } else { text.clone() };
    for rule in &rules.rules {
        sheet.row([
            if rule.trusted { "yes" } else { "no" }.into(),
            or_any(&rule.origin).into(),
            or_any(&rule.from).into(),
            or_any(&rule.author).into(),
        ]);
    }
    let table = sheet.render(context.out.look);
    context.out.text(&format!("{}\nThe first rule that fits counts; what none fits is not trusted.", table.trim_end()))
}

async fn export(context: &Context, query: &[(&str, String)], output: Option<&Path>) -> Result<()> {
    let document: Value = context.client()?.get(&["vex", "export"], query).await?;
    let Some(path) = output else { return context.out.data(&document) };
    let text = format!("{}\n", serde_json::to_string_pretty(&document)?);
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let statements = document.get("statements").and_then(Value::as_array).map_or(0, Vec::len);
    match context.out.json {
        true => context.out.data(&json!({"file": path, "statements": statements})),
        false => context.out.text(&format!("{statements} statements written to {}", path.display())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::rule;

    #[test]
    fn rules_are_written_in_a_line() {
        let read = rule("yes origin=attached author=Example Security Team from=prod-*").unwrap();
        assert_eq!(
            (read.trusted, read.origin.as_str(), read.author.as_str(), read.from.as_str()),
            (true, "attached", "Example Security Team", "prod-*")
        );
        assert!(!rule("no").unwrap().trusted);
        for wrong in ["", "maybe", "yes whatever", "yes colour=red"] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
    }
}
