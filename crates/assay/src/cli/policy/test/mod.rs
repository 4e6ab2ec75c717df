//! `assay policy test`: runs the tests of policies, or policies on one document. No server is needed but for the document
//! of a stored package. What is run is in [`gather`], how it is told in [`show`].

mod gather;
mod show;

use crate::cli::{Context, text};
use anyhow::{Context as _, Result, bail};
use assay_model::{
    decision::{Outcome, Verdict},
    policy::{OnFailure, Policy},
};
use assay_policy::{
    Limits, RegoJudge,
    testing::{self, Ended, Report},
};
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Exit code when a test fails, or when a policy could not be evaluated, as of others' test runners.
const FAILED: u8 = 2;
/// Largest document that is read, bytes.
const MAX_INPUT: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TestArgs {
    /// Policies and their tests, or folders of them
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// Name every test, not only those that fail
    #[arg(long, short)]
    verbose: bool,
    /// Only tests whose data.package.name matches
    #[arg(long, value_name = "REGEX")]
    run: Option<String>,
    /// Say which lines no test evaluates
    #[arg(long)]
    coverage: bool,
    /// How to tell the results
    #[arg(long, value_enum, default_value = "pretty")]
    format: Form,
    /// Exit with 2 when there is no test
    #[arg(long)]
    fail_on_empty: bool,
    /// Evaluate the policies on a stored package instead: repository/format/name@version or its number
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["run", "coverage", "fail_on_empty"])]
    package: Option<String>,
    /// Evaluate the policies on a document instead: a file of JSON, with or without `input` around it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["package", "run", "coverage", "fail_on_empty"])]
    input: Option<PathBuf>,
}

/// How results are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Pretty,
    /// For programs
    Json,
    /// For continuous integration
    Junit,
}

pub(super) async fn run(context: &Context, args: TestArgs) -> Result<ExitCode> {
    let suites = gather::suites(&args.paths)?;
    let form = if context.out.json { Form::Json } else { args.format };
    let document = match (&args.package, &args.input) {
        (Some(package), _) => {
            let client = context.client()?;
            let id = client.find(package).await?;
            Some(client.get(&["packages", &id.to_string(), "input"], &[]).await?)
        }
        (None, Some(file)) => Some(document(file)?),
        (None, None) => None,
    };
    if let Some(document) = document {
        if form == Form::Junit {
            bail!("verdicts are told as `--format pretty` or `json`");
        }
        return verdicts(context, &suites, &document, form);
    }
    let names = args.run.as_deref().map(testing::names).transpose()?;
    let mut whole = Report::default();
    for suite in &suites {
        let report = testing::run(suite, names.as_ref(), &Limits::default());
        whole.tests.extend(report.tests);
        whole.coverage.extend(report.coverage);
    }
    let text = match form {
        Form::Pretty => show::pretty(&whole, args.verbose, args.coverage),
        Form::Json => serde_json::to_string_pretty(&show::json(&whole, args.coverage))?,
        Form::Junit => show::junit(&whole),
    };
    context.out.text(&text)?;
    let failed = whole.tests.iter().any(|test| matches!(test.ended, Ended::Fail | Ended::Error(_)));
    let empty = whole.tests.is_empty() && args.fail_on_empty;
    Ok(if failed || empty { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Reads a document to evaluate on.
fn document(file: &Path) -> Result<Value> {
    let text = text::read(file, MAX_INPUT, "")?;
    let value: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let inner = value.get("input").filter(|_| value.get("v0").is_none()).cloned();
    Ok(inner.unwrap_or(value))
}

/// Evaluates every policy on one document.
fn verdicts(context: &Context, suites: &[testing::Suite], document: &Value, form: Form) -> Result<ExitCode> {
    let judge = RegoJudge::new(&[]);
    let mut verdicts = Vec::new();
    let mut seen = BTreeSet::new();
    for source in suites.iter().flat_map(|suite| &suite.modules).filter(|source| source.is_policy()) {
        if !seen.insert(&source.path) {
            continue;
        }
        let policy = policy(&source.path, &source.rego);
        let verdict = judge.evaluate(&policy, document, Timestamp::now());
        verdicts.push(verdict.with_context(|| source.path.clone())?);
    }
    if verdicts.is_empty() {
        bail!("there is no policy among these files: none is in `package cloudsmith` or `package assay`");
    }
    match form {
        Form::Json => context.out.data(&verdicts)?,
        _ => context.out.text(&verdicts.iter().map(verdict).collect::<Vec<_>>().join("\n"))?,
    }
    let failed = verdicts.iter().any(|verdict| matches!(verdict.outcome, Outcome::Failed(_)));
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn verdict(verdict: &Verdict) -> String {
    let mut lines = vec![match &verdict.outcome {
        Outcome::Match => format!("{}: match", verdict.name),
        Outcome::NoMatch => format!("{}: no match", verdict.name),
        Outcome::Failed(why) => format!("{}: failed: {why}", verdict.name),
    }];
    lines.extend(verdict.reasons.iter().map(|reason| format!("  {reason}")));
    lines.join("\n")
}

/// A file as the policy that it would be saved as.
fn policy(path: &str, rego: &str) -> Policy {
    Policy {
        slug: path.to_owned(),
        name: path.to_owned(),
        description: String::new(),
        rego: rego.to_owned(),
        precedence: 100,
        terminal: false,
        enabled: true,
        on_failure: OnFailure::default(),
        actions: Vec::new(),
        reads: BTreeSet::new(),
        revision: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}
