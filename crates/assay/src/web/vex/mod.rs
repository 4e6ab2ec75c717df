//! Documents of VEX: the list with whose word is trusted, and one with its statements and whom it is about.

use super::{Outcome, WebRequest, frame::Frame, pieces::When, query::Query, reply};
use askama::Template;
use assay_engine::{AppliedRow, Engine};
use assay_model::{
    problem::Problem,
    seam::meta::VexFilter,
    vex::{Said, TrustRule, VexDocument, VexId, VexProduct, VexStatus},
};
use std::sync::Arc;

/// Lines of a list.
const LINES: usize = 200;

/// A document for people.
struct DocumentLine {
    id: i64,
    name: String,
    origin: &'static str,
    from: String,
    author: String,
    digest: String,
    statements: u64,
    package: Option<i64>,
    at: When,
}

impl DocumentLine {
    fn of(document: VexDocument) -> Self {
        Self {
            id: document.id.0,
            origin: document.origin.kind(),
            from: document.origin.name().to_owned(),
            name: document.name,
            author: document.author,
            digest: document.digest,
            statements: document.statements,
            package: document.package.map(|id| id.0),
            at: When(document.at),
        }
    }
}

/// A rule of trust for people.
struct RuleLine {
    trusted: bool,
    origin: String,
    from: String,
    author: String,
}

impl RuleLine {
    fn of(rule: TrustRule) -> Self {
        let or_any = |text: String| if text.is_empty() { "any".to_owned() } else { text };
        Self {
            trusted: rule.trusted,
            origin: or_any(rule.origin),
            from: or_any(rule.from),
            author: or_any(rule.author),
        }
    }
}

/// A statement for people.
struct StatementLine {
    badge: (&'static str, &'static str),
    trusted: bool,
    vulnerabilities: Vec<String>,
    products: Vec<String>,
    why: String,
    at: Option<When>,
}

impl StatementLine {
    fn of(said: Said) -> Self {
        let one = said.statement;
        let why = [one.justification, one.statement];
        Self {
            badge: badge(one.status),
            trusted: said.trusted,
            vulnerabilities: one.vulnerability.into_iter().collect(),
            products: one.products.iter().map(product).collect(),
            why: why.into_iter().flatten().collect::<Vec<_>>().join(": "),
            at: one.at.map(When),
        }
    }
}

fn badge(status: VexStatus) -> (&'static str, &'static str) {
    let class = match status {
        VexStatus::NotAffected | VexStatus::Fixed => "state-available",
        VexStatus::Affected => "state-quarantined",
        VexStatus::UnderInvestigation => "state-pending",
    };
    (class, status.as_str())
}

/// `pkg:oci/app: pkg:apk/alpine/curl` for a part of a product.
fn product(product: &VexProduct) -> String {
    let name = product.purls.first().or(product.digests.first()).cloned().unwrap_or_default();
    if product.parts.is_empty() { name } else { format!("{name}: {}", product.parts.join(", ")) }
}

/// A finding that a document is about.
struct AppliedLine {
    package: i64,
    name: String,
    component: String,
    vulnerability: String,
    badge: (&'static str, &'static str),
    effect: &'static str,
}

impl AppliedLine {
    fn of(row: AppliedRow) -> Self {
        Self {
            package: row.package.0,
            badge: badge(row.status),
            effect: row.effect(),
            name: row.name,
            component: row.component,
            vulnerability: row.vulnerability,
        }
    }
}

#[derive(Template)]
#[template(path = "vex.html")]
struct ListPage {
    frame: Frame,
    documents: Vec<DocumentLine>,
    rules: Vec<RuleLine>,
    vulnerability: String,
    /// Where older ones are.
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "vex_document.html")]
struct DocumentPage {
    frame: Frame,
    document: DocumentLine,
    statements: Vec<StatementLine>,
    more_statements: usize,
    applied: Vec<AppliedLine>,
    more_applied: bool,
}

/// The list, for those who may read everything.
///
/// # Errors
/// `Forbidden`; `Invalid` for a number that is none.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let asked = Query::parse(request.query.as_deref().unwrap_or_default().as_bytes())?;
    let vulnerability = asked.get("vulnerability").unwrap_or_default().to_owned();
    let before = asked.get("before").map(number).transpose()?;
    let filter = VexFilter {
        vulnerability: Some(vulnerability.clone()).filter(|id| !id.is_empty()),
        before,
        limit: LINES,
        ..VexFilter::default()
    };
    let documents = engine.vex_documents(&request.caller, filter).await?;
    let trust = engine.vex_trust(&request.caller).await?;
    let older = documents.last().filter(|_| documents.len() == LINES).map(|last| {
        let id: String = url::form_urlencoded::byte_serialize(vulnerability.as_bytes()).collect();
        format!("/ui/vex?before={}&vulnerability={id}", last.id.0)
    });
    let (documents, rules) = (documents.into_iter().map(DocumentLine::of), trust.rules.into_iter().map(RuleLine::of));
    reply::html(
        200,
        &ListPage {
            frame: Frame::of(request, "VEX", "policies"),
            documents: documents.collect(),
            rules: rules.collect(),
            vulnerability,
            older,
        },
    )
}

/// One document.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub(super) async fn one(engine: &Arc<Engine>, request: &WebRequest, id: &str) -> Outcome {
    let id = number(id)?;
    let detail = engine.vex_document(&request.caller, id).await?;
    let applied = engine.vex_applied(&request.caller, id).await?;
    let more_statements = detail.said.len().saturating_sub(LINES);
    reply::html(
        200,
        &DocumentPage {
            frame: Frame::of(request, format!("VEX document {}", id.0), "policies"),
            document: DocumentLine::of(detail.document),
            statements: detail.said.into_iter().take(LINES).map(StatementLine::of).collect(),
            more_statements,
            more_applied: applied.more,
            applied: applied.findings.into_iter().map(AppliedLine::of).collect(),
        },
    )
}

fn number(text: &str) -> Result<VexId, Problem> {
    text.parse().map(VexId).map_err(|_| Problem::not_found(format!("there is no document of VEX `{text}`")))
}
