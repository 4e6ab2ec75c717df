//! `assay apply` and `assay export`: what a workspace is to be like, as files; and what it is like, in the same form.
//!
//! Everything goes through the API. What the files do not name is left alone unless `--prune` says otherwise.

mod diff;
mod export;
mod files;
mod object;
mod server;

use super::{Context, look::harmless, out::note};
use anyhow::Result;
use object::{Kind, Object};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// Exit code of a dry run that found something to change.
const CHANGES: u8 = 2;

#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    /// File or directory of YAML and Rego files, as `assay export` writes them; may be repeated
    #[arg(short, long = "file", value_name = "FILE|DIR", required = true)]
    file: Vec<PathBuf>,
    /// Show what would change, and change nothing; exit code 2 when there is something
    #[arg(long)]
    dry_run: bool,
    /// Remove what the files do not have: policies, channels, the trusted, upstreams; revoke waivers. Repositories always stay
    #[arg(long)]
    prune: bool,
    /// Only objects of this kind; may be repeated
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// Send the secrets that files name also where some are kept already
    #[arg(long)]
    secrets: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// Directory to write to; else all goes to standard output as one YAML stream
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only objects of this kind; may be repeated
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
}

/// What is to be done about one object.
enum Step {
    Create(Object),
    Change { now: Object, wanted: Object },
    Remove(Object),
}

impl Step {
    fn object(&self) -> &Object {
        match self {
            Self::Create(object) | Self::Remove(object) => object,
            Self::Change { wanted, .. } => wanted,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Change { .. } => "change",
            Self::Remove(_) => "remove",
        }
    }
}

pub(super) async fn apply(context: &Context, args: ApplyArgs) -> Result<ExitCode> {
    let wants = |kind: Kind| args.kind.is_empty() || args.kind.contains(&kind);
    let mut wanted = files::read(&args.file)?;
    wanted.retain(|object| wants(object.kind));
    let client = context.client()?;
    let mut now = server::read(&client).await?;
    now.retain(|object| wants(object.kind));
    let steps = plan(wanted, now, args.prune, args.secrets);
    let mut done = Vec::new();
    for step in &steps {
        if !args.dry_run {
            server::carry_out(&client, step, args.secrets).await?;
        }
        let object = step.object();
        let mut told = json!({"step": step.word(), "kind": object.kind.word(), "name": object.name});
        if let Step::Change { now, wanted } = step {
            told["changes"] = json!(diff::changes(&now.spec, &wanted.spec));
        }
        done.push(told);
        if !context.out.json {
            context.out.text(&diff::render(step, context.out.look))?;
        }
    }
    if context.out.json {
        context.out.data(&json!({"dry_run": args.dry_run, "steps": done}))?;
    } else if steps.is_empty() {
        context.out.text("everything is as the files say")?;
    } else if args.dry_run {
        context.out.text(&format!("{} to do; nothing was changed", steps.len()))?;
    } else {
        context.out.text(&format!("{} done", steps.len()))?;
    }
    let pending = args.dry_run && !steps.is_empty();
    Ok(if pending { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
}

/// First what others rest on is made, last it is removed.
fn plan(wanted: Vec<Object>, mut now: Vec<Object>, prune: bool, secrets: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for wanted in wanted {
        let found = now.iter().position(|one| one.is(&wanted)).map(|at| now.remove(at));
        match found {
            None => steps.push(Step::Create(wanted)),
            Some(now) if now.differs(&wanted) || secrets && wanted.secrets.is_some() => {
                steps.push(Step::Change { now, wanted });
            }
            Some(_) => {}
        }
    }
    steps.sort_by_key(|step| step.object().kind);
    if prune {
        let mut gone: Vec<Object> = now.into_iter().filter(Object::can_be_removed).collect();
        gone.sort_by_key(|object| std::cmp::Reverse(object.kind));
        steps.extend(gone.into_iter().map(Step::Remove));
    }
    steps
}

pub(super) async fn export(context: &Context, args: ExportArgs) -> Result<ExitCode> {
    let mut objects = server::read(&context.client()?).await?;
    objects.retain(|object| args.kind.is_empty() || args.kind.contains(&object.kind));
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    match &args.output {
        None if context.out.json => context.out.data(&objects.iter().map(Object::document).collect::<Vec<_>>())?,
        None => context.out.text(&export::stream(&objects)?)?,
        Some(directory) => {
            let written = export::write(directory, &objects)?;
            note(&format!("{written} files in {}", harmless(&directory.display().to_string())));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Object> {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        files::read(&[file.path().to_owned()]).unwrap()
    }

    const POLICY: &str =
        "kind: policy\nname: No tests\nactions: [quarantine]\nrego: |\n  package assay\n\n  default match := false\n";

    #[test]
    fn what_is_so_already_is_not_done() {
        assert!(plan(read(POLICY), read(POLICY), true, false).is_empty());
        let other = POLICY.replace("quarantine", "hide");
        assert!(matches!(plan(read(&other), read(POLICY), true, false).as_slice(), [Step::Change { .. }]));
    }

    #[test]
    fn what_is_not_named_goes_only_when_pruned() {
        assert!(plan(Vec::new(), read(POLICY), false, false).is_empty());
        assert!(matches!(plan(Vec::new(), read(POLICY), true, false).as_slice(), [Step::Remove(_)]));
        let repository = "kind: repository\nname: main\n";
        assert!(plan(Vec::new(), read(repository), true, false).is_empty(), "repositories stay");
    }

    #[test]
    fn what_differs_is_told_to_programs_too() {
        let other = POLICY.replace("quarantine", "hide").replace("name: No tests", "name: No tests\nprecedence: 7");
        let steps = plan(read(&other), read(POLICY), false, false);
        let changes = match steps.as_slice() {
            [Step::Change { now, wanted }] => diff::changes(&now.spec, &wanted.spec),
            _ => Vec::new(),
        };
        let fields: Vec<&str> = changes.iter().filter_map(|change| change["field"].as_str()).collect();
        assert_eq!(fields, ["actions", "precedence"]);
        assert_eq!(changes[1], json!({"field": "precedence", "now": 100, "wanted": 7}));
    }

    #[test]
    fn what_others_rest_on_comes_first() {
        let text = format!("{POLICY}---\nkind: repository\nname: prod\n");
        let steps = plan(read(&text), Vec::new(), false, false);
        assert_eq!(steps.iter().map(|s| s.object().kind).collect::<Vec<_>>(), [Kind::Repository, Kind::Policy]);
    }

    #[test]
    fn what_was_exported_is_read_as_it_was() {
        let text = format!(
            "{POLICY}---\nkind: repository\nname: prod\nsettings:\n  description: to be used\n---\nkind: upstream\nrepository: prod\n\
             name: far\nformat: pypi\nsettings:\n  url: https://registry.example/simple\n---\nkind: waiver\nreason: not reachable\n\
             expires_at: 2027-01-01T00:00:00Z\nscope:\n  vulnerabilities: [CVE-2026-1]\n"
        );
        let objects = read(&text);
        assert_eq!(objects.len(), 4);
        let place = tempfile::tempdir().unwrap();
        export::write(place.path(), &objects).unwrap();
        let again = files::read(&[place.path().to_owned()]).unwrap();
        assert!(plan(again, objects, true, false).is_empty());
        let streamed = read(&export::stream(&read(&text)).unwrap());
        assert!(plan(streamed, read(&text), true, false).is_empty());
    }

    #[test]
    fn mistakes_are_told_with_file_and_reason() {
        let wrong = |text: &str| {
            let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
            std::fs::write(file.path(), text).unwrap();
            format!("{:#}", files::read(&[file.path().to_owned()]).unwrap_err())
        };
        assert!(wrong("kind: castle\nname: x\n").contains("castle"));
        assert!(wrong("kind: repository\nname: x\nsettings: {colour: red}\n").contains("colour"));
        assert!(wrong("kind: policy\nname: x\nactions: [quarantine]\nrego: package assay\n").contains("match"));
        assert!(wrong("kind: repository\nname: x\n---\nkind: repository\nname: x\n").contains("twice"));
        let late = wrong(
            "kind: repository\nname: b\n---\nkind: waiver\nreason: x\nscope:\n  vulnerabilities: [CVE-1]\nexpires_at: 1.3.2027\n",
        );
        assert!(
            late.contains("line 8: waiver: `expires_at` is `1.3.2027`") && late.contains("2027-03-01T00:00:00Z"),
            "{late}"
        );
        let several = wrong(
            "# ours\nkind: policy\nname: a\nprecedance: 5\nrego: x\n---\nkind: waiver\nreason: x\n---\n\nkind: repository\nname: b\n\
             settings:\n  colour: red\n---\nkind: policy\nname: c\nprecedence: hello\nrego: x\n---\nkind: policy\nname: d\nrego: |\n  package assay\n\n  default match := false\n\n  match if input.v0.package.nam\n",
        );
        let told: Vec<&str> = several.lines().collect();
        assert_eq!(told.len(), 5, "{several}");
        let expected = [
            "line 4: policy a: unknown field `precedance`",
            "line 7: waiver: missing field",
            "line 14: repository b: there is no setting `colour`",
            "line 18: policy c: ",
            "line 21: policy d: in its Rego: line 5, column 27: there is no `input.v0.package.nam`; did you mean `name`?",
        ];
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{several}\n{expected}");
        }
    }
}
