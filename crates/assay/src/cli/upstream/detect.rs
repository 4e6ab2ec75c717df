//! `assay upstream detect`: what the clients on this machine take from, proposed or added.

use super::{Context, machine::ThisMachine, rows};
use crate::cli::{
    look::{Sheet, Text},
    out::note,
};
use anyhow::Result;
use assay_model::seam::machine::Detected;
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DetectArgs {
    /// Add what is found to this repository; what it has already is left alone
    #[arg(long, value_name = "REPOSITORY")]
    add: Option<String>,
    /// Only for clients of this format; may be repeated
    #[arg(long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Add without the credentials that clients have
    #[arg(long, requires = "add")]
    without_credentials: bool,
}

/// A registry and the format whose clients take from it.
struct Proposal {
    format: &'static str,
    name: String,
    found: Detected,
}

pub(super) async fn run(context: &Context, args: DetectArgs) -> Result<ExitCode> {
    let wanted = args.format.clone();
    let proposals = tokio::task::spawn_blocking(move || propose(&wanted)).await?;
    let Some(repository) = &args.add else {
        show(context, &proposals)?;
        return Ok(ExitCode::SUCCESS);
    };
    let (_, present) = rows(context, repository).await?;
    let mut taken: BTreeSet<String> = present.iter().map(|row| row.name.clone()).collect();
    let client = context.client()?;
    let (mut added, mut failed) = (Vec::new(), false);
    for (place, Proposal { format, name, found }) in (1_i32..).zip(proposals) {
        if present.iter().any(|row| row.format == format && row.settings.url == found.url) {
            note(&format!("{repository} takes from {} already", found.url));
            continue;
        }
        let name = unused(&name, &mut taken);
        let settings = json!({"url": found.url, "include": found.include, "exclude": found.exclude});
        let mut draft = json!({"name": name, "format": format, "priority": place * 10, "settings": settings});
        if !args.without_credentials && !found.secrets.is_empty() {
            draft["secrets"] = json!(found.secrets);
        }
        match client.post(&["repositories", repository, "upstreams"], &draft).await {
            Ok(made) => {
                note(&format!("added {name}: {} ({format})", found.url));
                added.push(made);
            }
            Err(error) => {
                failed = true;
                note(&format!("cannot add {} ({format}): {error}", found.url));
            }
        }
    }
    if context.out.json {
        context.out.data(&json!({"added": added}))?;
    } else {
        context
            .out
            .text(&format!("{} added to {repository}; `assay upstream check {repository}` asks them", added.len()))?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Everything that formats find, each address once for a format.
fn propose(wanted: &[String]) -> Vec<Proposal> {
    let mut taken = BTreeSet::new();
    let mut all: Vec<Proposal> = Vec::new();
    let formats = assay_formats::ALL.iter().filter(|f| wanted.is_empty() || wanted.iter().any(|w| w == f.spec().id));
    for format in formats {
        let id = format.spec().id;
        for found in format.remote().map(|remote| remote.detect(&ThisMachine)).unwrap_or_default() {
            let known =
                |one: &Proposal| one.format == id && one.found.url == found.url && one.found.include == found.include;
            if !all.iter().any(known) {
                let name = unused(&format!("{id}-{}", word(&found.url)), &mut taken);
                all.push(Proposal { format: id, name, found });
            }
        }
    }
    all
}

/// The host of an address, as far as a name can have it.
fn word(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let name: String = host.chars().map(plain).take(40).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// The name, with a number where it is taken.
fn unused(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

fn show(context: &Context, proposals: &[Proposal]) -> Result<()> {
    if context.out.json {
        let all: Vec<Value> = proposals
            .iter()
            .map(|Proposal { format, name, found }| {
                json!({
                    "format": format, "name": name, "url": found.url, "client": found.client, "found_in": found.place,
                    "include": found.include, "exclude": found.exclude, "has_credentials": !found.secrets.is_empty(),
                })
            })
            .collect();
        return context.out.data(&json!({"proposals": all}));
    }
    if proposals.is_empty() {
        return context.out.text("no client on this machine says where it takes packages from");
    }
    let mut sheet = Sheet::new(&["FORMAT", "ADDRESS", "CLIENT", "LOGIN", "ONLY", "FOUND IN"]);
    for Proposal { format, found, .. } in proposals {
        sheet.row([
            Text::from(format),
            Text::from(&found.url),
            Text::from(&found.client),
            if found.secrets.is_empty() { "no" } else { "yes" }.into(),
            Text::from(found.include.join(" ")),
            Text::from(&found.place),
        ]);
    }
    context.out.text(&sheet.render(context.out.look))?;
    note("`assay upstream detect --add REPOSITORY` adds them");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_hosts() {
        for (url, name) in [
            ("https://registry.example/npm", "registry.example"),
            ("http://127.0.0.1:8080", "127.0.0.1-8080"),
            ("https://[::1]:80/x", "1--80"),
        ] {
            assert_eq!(word(url), name);
        }
        let mut taken = BTreeSet::new();
        let names: Vec<String> = (0..3).map(|_| unused("a", &mut taken)).collect();
        assert_eq!(names, ["a", "a-2", "a-3"]);
    }
}
