//! One package, whole: why it is in its state, findings, inventory, files, decisions and events. Long tables have a page of
//! their own.

mod around;
mod contents;
mod decisions;
mod findings;
mod inside;
mod signatures;

use super::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::{EventLine, SeverityBadge, StateBadge, When, counts_and_suppressed, readable, size},
    query::address,
    reply,
};
use around::{Chart, Command, NameLine, PromotionLine, commands, names, promotions, targets};
use askama::Template;
use assay_engine::{Engine, Explanation, PackageDetail};
use assay_model::{
    access::{Caller, Permission},
    package::{PackageId, State},
    problem::{Kind, Problem},
    seam::meta,
};
use contents::{FileLine, InventoryView};
use decisions::{CitedLine, DecisionView};
use findings::FindingLine;
use jiff::SignedDuration;
use signatures::SignatureLine;
use std::sync::Arc;

pub(super) use around::Around;

/// Which page about a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything, long tables cut.
    Whole,
    /// All findings.
    Findings,
    /// All components.
    Inventory,
}

impl Part {
    /// Most lines of a table.
    fn lines(self) -> usize {
        if self == Self::Whole { 50 } else { 10_000 }
    }
}

/// A table that may be cut.
pub(super) struct Cut<T> {
    shown: Vec<T>,
    total: usize,
}

impl<T> Cut<T> {
    fn of<S>(all: Vec<S>, most: usize, line: impl Fn(S) -> T) -> Self {
        let total = all.len();
        Self { shown: all.into_iter().take(most).map(line).collect(), total }
    }
    fn is_cut(&self) -> bool {
        self.shown.len() < self.total
    }
}

/// The head that all pages about a package share.
struct Head {
    id: i64,
    display: String,
    name: String,
    version: String,
    format: String,
    repository: String,
    state: StateBadge,
    worst: Option<SeverityBadge>,
    counts: String,
    size: String,
    uploader: String,
    arrived: When,
    published: Option<When>,
    origin: Option<Origin>,
    requester: Option<String>,
    downloads: String,
    pulled: Option<When>,
    tags: Vec<String>,
    references: Vec<String>,
    log: String,
    versions: String,
}

/// The upstream that a package was taken from.
struct Origin {
    name: String,
    href: String,
}

impl Head {
    fn of(detail: &PackageDetail) -> Self {
        let package = &detail.row.package;
        let at = &package.at;
        let subject = at.subject(&detail.repository.name);
        Self {
            id: package.id.0,
            display: readable(&detail.row.display),
            name: at.name.clone(),
            version: at.version.clone(),
            format: at.format.clone(),
            repository: detail.repository.name.clone(),
            state: StateBadge(package.state),
            worst: detail.row.worst.map(SeverityBadge),
            counts: counts_and_suppressed(&detail.row.findings, &detail.row.suppressed),
            size: size(detail.row.size),
            uploader: package.uploader.clone(),
            arrived: When(package.uploaded_at),
            published: package.published_at.map(When),
            origin: package.origin.clone().map(|name| Origin {
                href: format!("/ui/repositories/{}#upstream-{}-{name}", detail.repository.name, at.format),
                name,
            }),
            requester: detail.requester.clone(),
            downloads: pulled(detail),
            pulled: detail.row.downloads.last.map(When),
            tags: package.tags.iter().cloned().collect(),
            references: detail.row.references.clone(),
            log: address("/ui/log", &[("subject", Some(&subject))]),
            versions: address(
                &format!("/ui/repositories/{}", detail.repository.name),
                &[("format", Some(&at.format)), ("q", Some(&versions_of(&at.name)))],
            ),
        }
    }
}

/// The search for all versions of a name.
fn versions_of(name: &str) -> String {
    format!("name:\"^{}$\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// How often it was downloaded.
fn pulled(detail: &PackageDetail) -> String {
    format!("{}, {} in the last 30 days", detail.row.downloads.count, detail.pulls.month)
}

struct RefusalView {
    state: &'static str,
    policies: Vec<String>,
    reasons: Vec<String>,
    vulnerabilities: Vec<CitedLine>,
    nearest: Option<(String, String)>,
    decision: Option<String>,
}

struct HeldView {
    state: StateBadge,
    reason: String,
    author: String,
    until: Option<When>,
}

#[derive(Template)]
#[template(path = "package.html")]
pub(super) struct PackagePage {
    frame: Frame,
    head: Head,
    pending: bool,
    refusal: Option<RefusalView>,
    held: Option<HeldView>,
    findings: Cut<FindingLine>,
    inventory: InventoryView,
    files: Vec<FileLine>,
    signatures: Vec<SignatureLine>,
    chart: Option<Chart>,
    names: Cut<NameLine>,
    promotions: Vec<PromotionLine>,
    commands: Vec<Command>,
    why: Option<Explanation>,
    decisions: Vec<DecisionView>,
    events: Vec<EventLine>,
}

#[derive(Template)]
#[template(path = "package_part.html")]
pub(super) struct PartPage {
    frame: Frame,
    head: Head,
    findings: Option<Cut<FindingLine>>,
    inventory: Option<InventoryView>,
}

/// One of the pages about a package.
///
/// # Errors
/// `NotFound`, also for a package that the caller may not read.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest, id: &str, part: Part) -> Outcome {
    let missing = || Problem::not_found(format!("there is no package {id}"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let hide = |problem: Problem| match problem.kind {
        Kind::Forbidden | Kind::Unauthenticated => missing(),
        _ => problem,
    };
    let detail = engine.package_detail(&request.caller, PackageId(number)).await.map_err(hide)?;
    let frame = Frame::of(request, readable(&detail.row.display), "packages");
    match part {
        Part::Whole => {
            let around = look_around(engine, &request.caller, &detail).await?;
            reply::html(200, &view(frame, detail, around))
        }
        _ => reply::html(200, &part_view(frame, detail, part)),
    }
}

async fn look_around(engine: &Arc<Engine>, caller: &Caller, detail: &PackageDetail) -> Result<Around, Problem> {
    let (place, at) = (detail.repository.id, detail.row.package.at.clone());
    let yesterday = engine.now() - SignedDuration::from_hours(24);
    Ok(Around {
        names: meta::read(engine.meta(), move |tx| tx.references(place, &at.format, &at.name)).await?,
        may_write: caller.permission_in(&detail.repository) >= Some(Permission::Write),
        targets: targets(caller, &engine.readable_repositories(caller).await?, &detail.repository),
        today: engine.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        // the page is there also where it cannot be explained
        why: engine.explain(caller, detail.row.package.id, yesterday).await.ok(),
    })
}

pub(super) fn part_view(mut frame: Frame, detail: PackageDetail, part: Part) -> PartPage {
    let head = Head::of(&detail);
    let (mut findings, mut inventory) = (None, None);
    if part == Part::Findings {
        frame.title = format!("Findings of {}", head.display);
        findings = Some(Cut::of(detail.findings, part.lines(), FindingLine::of));
    } else {
        frame.title = format!("Inventory of {}", head.display);
        inventory = Some(InventoryView::of(detail.inventory, detail.inventoried, part.lines()));
    }
    PartPage { frame, head, findings, inventory }
}

pub(super) fn view(mut frame: Frame, detail: PackageDetail, around: Around) -> PackagePage {
    let head = Head::of(&detail);
    let pending = detail.row.package.state == State::Pending || !detail.inventoried;
    frame.refresh = pending.then_some(2);
    PackagePage {
        frame,
        pending,
        refusal: refusal(&detail),
        chart: Chart::of(&detail, around.today),
        promotions: promotions(&detail.events),
        commands: commands(&detail, &around),
        names: names(around.names, detail.row.package.id),
        held: detail.row.package.held.clone().map(|held| HeldView {
            state: StateBadge(held.state),
            reason: held.reason,
            author: held.author,
            until: held.expires_at.map(When),
        }),
        findings: Cut::of(detail.findings, Part::Whole.lines(), FindingLine::of),
        inventory: InventoryView::of(detail.inventory, detail.inventoried, Part::Whole.lines()),
        files: detail
            .files
            .into_iter()
            .map(|file| {
                let link = detail.locations.get(&file.id).cloned();
                FileLine::of(file, link)
            })
            .collect(),
        signatures: detail.signatures.into_iter().map(SignatureLine::of).collect(),
        why: around.why,
        decisions: detail.decisions.into_iter().map(DecisionView::of).collect(),
        events: detail.events.into_iter().map(EventLine::of).collect(),
        head,
    }
}

fn refusal(detail: &PackageDetail) -> Option<RefusalView> {
    let refusal = detail.refusal.as_ref()?;
    let at = &detail.row.package.at;
    let place = |version: &String| {
        let what = format!("{}/{}/{}@{version}", detail.repository.name, at.format, at.name);
        (version.clone(), address("/ui/packages/find", &[("what", Some(&what))]))
    };
    Some(RefusalView {
        state: refusal.state.as_str(),
        policies: refusal.policies.clone(),
        reasons: refusal.reasons.clone(),
        vulnerabilities: refusal.vulnerabilities.iter().take(5).cloned().map(CitedLine::of).collect(),
        nearest: refusal.nearest_allowed.as_ref().map(place),
        decision: refusal.decision.as_ref().map(ToString::to_string),
    })
}

/// Goes from a decision's id, as clients are told it, to its package.
///
/// # Errors
/// `NotFound`, also for a decision about a package that the caller may not read.
pub(super) async fn decision(engine: &Arc<Engine>, request: &WebRequest, id: &str) -> Outcome {
    let missing = || Problem::not_found(format!("there is no decision `{id}`"));
    let decision = engine.decision(&request.caller, id).await.map_err(|problem| match problem.kind {
        Kind::Forbidden | Kind::Unauthenticated => missing(),
        _ => problem,
    })?;
    Ok(reply::see_other(&format!("/ui/packages/{}#decision-{}", decision.package.0, decision.id)))
}
