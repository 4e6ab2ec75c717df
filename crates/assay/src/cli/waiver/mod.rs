//! `assay waiver`: exceptions with a scope, a reason, an author and an end.

mod show;

use super::{Context, look::moment, out::note};
use anyhow::{Result, bail};
use assay_engine::{WaiverDraft, WaiverEdit};
use assay_model::{
    vex::VexStatus,
    waiver::{PackageRange, Waiver, WaiverScope, WaiverStatus, WaiverVex},
};
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum WaiverCommand {
    /// Ask for a waiver; it is in force at once unless the workspace wants an approval
    Add(AddArgs),
    /// List waivers, the newest first
    List {
        /// requested, active, refused, revoked or expired
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// That hold in this repository
        #[arg(long, short, value_name = "NAME")]
        repository: Option<String>,
        /// That name this vulnerability, by any of its ids
        #[arg(long, value_name = "ID")]
        vulnerability: Option<String>,
        /// That name this policy, or are not limited to policies
        #[arg(long, value_name = "SLUG")]
        policy: Option<String>,
    },
    /// Show one waiver
    Show {
        /// Its id (W1)
        id: String,
    },
    /// Put a waiver in force that waits; not by its author
    Approve {
        /// Its id (W1)
        id: String,
    },
    /// Say no to a waiver that waits
    Refuse {
        /// Its id (W1)
        id: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// End a waiver before its time, or take a request back
    Revoke {
        /// Its id (W1)
        id: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Give a waiver another end
    Extend {
        /// Its id (W1)
        id: String,
        /// The new end: 30d, 12h, 2026-12-31, or a time
        #[arg(long, value_name = "WHEN", value_parser = end)]
        expires: Timestamp,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Put another waiver in its place, in one step: with another scope, reason or word. What is left out stays
    Replace(ReplaceArgs),
    /// Show who used a waiver when: decisions, packages, and who downloaded them since
    Uses {
        /// Its id (W1)
        id: String,
    },
    /// Show or set how the workspace wants its waivers
    Rules(RulesArgs),
}

/// What a waiver is about.
#[derive(Debug, clap::Args)]
pub(super) struct ScopeArgs {
    /// Vulnerability, by any of its ids; may be repeated. Findings of it are taken out of what policies see
    #[arg(long, value_name = "ID")]
    vulnerability: Vec<String>,
    /// Package URL, and versions after a space ("pkg:pypi/requests >=2.0|<2.20"); may be repeated
    #[arg(long, value_name = "PURL", value_parser = range)]
    package: Vec<PackageRange>,
    /// Repository, with *; may be repeated. Else all
    #[arg(long, short, value_name = "NAME")]
    repository: Vec<String>,
    /// Policy; may be repeated. Without --vulnerability its verdict about whole packages is taken back
    #[arg(long, value_name = "SLUG")]
    policy: Vec<String>,
}

/// What is said of it elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct VexArgs {
    /// What is said of it as VEX: affected, not_affected, fixed, under_investigation [default: affected]
    #[arg(long, value_name = "STATUS", value_parser = status)]
    vex_status: Option<VexStatus>,
    /// Why it is not affected, as OpenVEX spells it
    #[arg(long, value_name = "WORD", requires = "vex_status")]
    vex_justification: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Why
    #[arg(long)]
    reason: String,
    /// When it ends: 30d, 12h, 2026-12-31, or a time
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Timestamp,
    #[command(flatten)]
    vex: VexArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReplaceArgs {
    /// Its id (W1)
    id: String,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Why, from now on
    #[arg(long)]
    reason: Option<String>,
    /// When it ends: 30d, 12h, 2026-12-31, or a time
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Option<Timestamp>,
    #[command(flatten)]
    vex: VexArgs,
    /// A word about the change, for the log
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct RulesArgs {
    /// Whether another administrator than the author has to approve: none or required
    #[arg(long, value_name = "WHICH", value_parser = ["none", "required"])]
    approval: Option<String>,
    /// Days that a waiver may last
    #[arg(long, value_name = "N")]
    max_days: Option<u32>,
    /// Days before its end on which notice is given, separated by commas
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    notice_days: Option<Vec<u32>>,
}

/// A length of time from now, the end of a day (UTC), or a time.
fn end(text: &str) -> Result<Timestamp, String> {
    let unit = |letter: char| match letter {
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        'w' => Some(7 * 86_400),
        's' => Some(1),
        _ => None,
    };
    let length = text.chars().last().and_then(unit).zip(text.get(..text.len().saturating_sub(1)));
    if let Some((seconds, Ok(n))) = length.map(|(seconds, digits)| (seconds, digits.parse::<u32>())) {
        return Timestamp::now()
            .checked_add(SignedDuration::from_secs(seconds * i64::from(n)))
            .map_err(|error| error.to_string());
    }
    if let Ok(day) = text.parse::<Date>() {
        let next = day.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map_err(|error| error.to_string())?;
        return Ok(next.timestamp());
    }
    text.parse()
        .map_err(|_| "write 30d, 12h, 45m, a day such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z".to_owned())
}

fn range(text: &str) -> Result<PackageRange, String> {
    let (purl, versions) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let range = PackageRange { purl: purl.to_owned(), versions: versions.trim().to_owned() };
    range.check().map_err(|error| error.to_string())?;
    Ok(range)
}

fn status(text: &str) -> Result<VexStatus, String> {
    let all = [VexStatus::NotAffected, VexStatus::Affected, VexStatus::Fixed, VexStatus::UnderInvestigation];
    let known = || all.map(VexStatus::as_str).join(", ");
    all.into_iter().find(|status| status.as_str() == text).ok_or_else(|| format!("use one of {}", known()))
}

pub(super) async fn run(context: &Context, command: WaiverCommand) -> Result<ExitCode> {
    let comment = |reason: String| json!({"reason": reason});
    match command {
        WaiverCommand::Add(args) => add(context, args).await?,
        WaiverCommand::List { status, repository, vulnerability, policy } => {
            let asked =
                [("status", status), ("repository", repository), ("vulnerability", vulnerability), ("policy", policy)];
            let query: Vec<(&str, String)> = asked.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            show::list(context, &query).await?;
        }
        WaiverCommand::Show { id } => show::one(context, &id).await?,
        WaiverCommand::Approve { id } => change(context, &id, "approve", json!({})).await?,
        WaiverCommand::Refuse { id, reason } => change(context, &id, "refuse", comment(reason)).await?,
        WaiverCommand::Revoke { id, reason } => change(context, &id, "revoke", comment(reason)).await?,
        WaiverCommand::Extend { id, expires, reason } => {
            change(context, &id, "extend", json!({"expires_at": expires, "reason": reason})).await?;
        }
        WaiverCommand::Replace(args) => replace(context, args).await?,
        WaiverCommand::Uses { id } => show::uses(context, &id).await?,
        WaiverCommand::Rules(args) => rules(context, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(context: &Context, args: AddArgs) -> Result<()> {
    let Some(scope) = args.scope.read().filter(|scope| !scope.vulnerabilities.is_empty() || !scope.policies.is_empty())
    else {
        bail!("a waiver names a vulnerability (--vulnerability CVE-2024-1) or a policy (--policy max-cvss), or both");
    };
    let draft = WaiverDraft { scope, reason: args.reason, expires_at: args.expires, vex: args.vex.read() };
    let made = context.client()?.post(&["waivers"], &serde_json::to_value(&draft)?).await?;
    told(context, made)
}

impl ScopeArgs {
    /// The scope; nothing where no part of it is named.
    fn read(self) -> Option<WaiverScope> {
        let scope = WaiverScope {
            vulnerabilities: self.vulnerability.into_iter().collect(),
            packages: self.package,
            repositories: self.repository,
            policies: self.policy.into_iter().collect(),
        };
        (scope != WaiverScope::default()).then_some(scope)
    }
}

impl VexArgs {
    fn read(self) -> Option<WaiverVex> {
        let justification = self.vex_justification;
        self.vex_status.map(|status| WaiverVex { status, justification })
    }
}

/// Parts of the scope that are not named stay as they are.
async fn replace(context: &Context, args: ReplaceArgs) -> Result<()> {
    let client = context.client()?;
    let scope = match args.scope.read() {
        None => None,
        Some(named) => {
            let old: Waiver = client.get(&["waivers", &args.id], &[]).await?;
            let old = old.scope;
            Some(WaiverScope {
                vulnerabilities: if named.vulnerabilities.is_empty() {
                    old.vulnerabilities
                } else {
                    named.vulnerabilities
                },
                packages: if named.packages.is_empty() { old.packages } else { named.packages },
                repositories: if named.repositories.is_empty() { old.repositories } else { named.repositories },
                policies: if named.policies.is_empty() { old.policies } else { named.policies },
            })
        }
    };
    let (vex, comment) = (args.vex.read(), args.comment);
    let edit = WaiverEdit { scope, reason: args.reason, expires_at: args.expires, vex, comment };
    let made = client.post(&["waivers", &args.id, "replace"], &serde_json::to_value(&edit)?).await?;
    told(context, made)
}

async fn change(context: &Context, id: &str, verb: &str, body: Value) -> Result<()> {
    let changed = context.client()?.post(&["waivers", id, verb], &body).await?;
    told(context, changed)
}

fn told(context: &Context, answer: Value) -> Result<()> {
    if context.out.json {
        return context.out.data(&answer);
    }
    let packages = answer.get("packages").and_then(Value::as_u64);
    let waiver: Waiver = serde_json::from_value(answer)?;
    if packages == Some(0) {
        note("nothing that is stored fits its scope now; it counts for what comes, until it ends");
    }
    let place = match (&waiver.replaces, waiver.status) {
        (Some(old), WaiverStatus::Active) => format!(", in place of {old}"),
        (Some(old), WaiverStatus::Requested) => format!("; {old} stays until it is approved"),
        _ => String::new(),
    };
    let until = match waiver.status {
        WaiverStatus::Requested | WaiverStatus::Active => format!(", until {}", moment(waiver.expires_at)),
        WaiverStatus::Refused | WaiverStatus::Revoked | WaiverStatus::Expired => String::new(),
    };
    context.out.text(&format!("waiver {} is {}{until}{place}", waiver.id, waiver.status.as_str()))
}

async fn rules(context: &Context, args: RulesArgs) -> Result<()> {
    let client = context.client()?;
    let mut rules: Value = client.get(&["waivers", "rules"], &[]).await?;
    let wanted = [
        ("approval", args.approval.map(Value::from)),
        ("max_days", args.max_days.map(Value::from)),
        ("notice_days", args.notice_days.map(Value::from)),
    ];
    let mut changed = false;
    if let Some(fields) = rules.as_object_mut() {
        for (key, value) in wanted {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value);
                changed = true;
            }
        }
    }
    if changed {
        rules = client.post(&["waivers", "rules"], &rules).await?;
    }
    if context.out.json {
        return context.out.data(&rules);
    }
    context.out.text(&show::rules(&serde_json::from_value(rules)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn ends_are_lengths_days_or_times() {
        let day = end("2026-12-31").unwrap();
        assert_eq!(day.to_string(), "2027-01-01T00:00:00Z", "the whole day");
        assert_eq!(end("2026-12-31T12:00:00Z").unwrap().to_string(), "2026-12-31T12:00:00Z");
        let soon = end("2h").unwrap().as_second() - Timestamp::now().as_second();
        assert!((7199..=7201).contains(&soon), "{soon}");
        for wrong in ["", "d", "tomorrow", "-3d", "3x", "99999999999d"] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn packages_have_versions_after_a_space() {
        let read = range("pkg:pypi/requests >=2.0|<2.20").unwrap();
        assert_eq!((read.purl.as_str(), read.versions.as_str()), ("pkg:pypi/requests", ">=2.0|<2.20"));
        assert!(range("requests").is_err() && range("pkg:pypi/requests >=").is_err());
    }
}
