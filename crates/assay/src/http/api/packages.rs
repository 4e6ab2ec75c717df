//! Packages: lists, one package, its SBOM, its decisions.

use super::{Answer, App, Call, ok, plain};
use assay_engine::report::{self, SbomFormat, Sources, Subject};
use assay_model::{
    access::Permission,
    package::{PackageId, Role, State},
    problem::Problem,
    query::Query,
    seam::meta::PackageFilter,
};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
struct Asked {
    repository: Option<String>,
    format: Option<String>,
    q: Option<String>,
    state: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let asked: Asked = call.query()?;
    let repositories = match &asked.repository {
        Some(name) => Some(vec![app.engine.repository(&call.caller, name, Permission::Read).await?.id]),
        None => None,
    };
    let state = match asked.state.as_deref() {
        None | Some("") => None,
        Some(text) => Some(State::parse(text).ok_or_else(|| {
            Problem::invalid(
                "bad-state",
                format!("`{text}` is no state; use pending, available, quarantined, hidden or deleted"),
            )
        })?),
    };
    let filter = PackageFilter {
        repositories,
        state,
        format: asked.format.filter(|f| !f.is_empty()),
        text: None,
        ids: None,
        query: Query::parse(asked.q.as_deref().unwrap_or_default(), Timestamp::now())?,
        before: asked.before.map(PackageId),
        limit: asked.limit.unwrap_or(100),
    };
    ok(&json!({"packages": app.engine.list_packages(&call.caller, filter).await?}))
}

#[derive(Deserialize)]
struct What {
    what: String,
}

pub(crate) async fn find(app: Arc<App>, call: Call) -> Answer {
    let what: What = call.query()?;
    ok(&json!({"id": app.engine.find_package(&call.caller, &what.what).await?}))
}

pub(super) fn id(call: &Call) -> Result<PackageId, Problem> {
    let text = call.param("id");
    text.parse()
        .map(PackageId)
        .map_err(|_| Problem::invalid("bad-id", format!("`{text}` is not the number of a package")))
}

pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    let detail = app.engine.package_detail(&call.caller, id(&call)?).await?;
    // a row has the number of its repository, the detail the repository in its place; as an object it is there once
    let whole = serde_json::to_value(&detail).map_err(|e| Problem::internal("a package cannot be written", e))?;
    ok(&whole)
}

/// The document that policies read of a package.
pub(crate) async fn input(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.policy_input(&call.caller, id(&call)?).await?)
}

/// Copies or moves a package to another repository.
pub(crate) async fn promote(app: Arc<App>, mut call: Call) -> Answer {
    let (id, options) = (id(&call)?, call.json().await?);
    ok(&app.engine.promote(&call.caller, id, &options).await?)
}

/// Deletes a package; what the trash keeps can be restored until the moment in the answer.
pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    let until = app.engine.delete_package(&call.caller, id(&call)?).await?;
    ok(&json!({"restorable_until": until}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: Option<String>,
}

pub(crate) async fn sbom(app: Arc<App>, call: Call) -> Answer {
    let asked: Written = call.query()?;
    let format: SbomFormat = match asked.format.as_deref().filter(|name| !name.is_empty()) {
        None => SbomFormat::CycloneDx16Json,
        Some(name) => name
            .parse()
            .map_err(|unknown: report::bom::UnknownFormat| Problem::invalid("bad-format", unknown.to_string()))?,
    };
    let detail = app.engine.package_detail(&call.caller, id(&call)?).await?;
    if !detail.inventoried {
        return Err(Problem::busy("the package is still being inspected", 2));
    }
    let details = app.engine.details(&detail.findings).await?;
    let document = report::render(
        format,
        Sources {
            subject: &subject(&detail),
            inventory: &detail.inventory,
            findings: &detail.findings,
            details: &details,
            at: detail.row.package.uploaded_at,
        },
    );
    Ok(plain(StatusCode::OK, format.media_type(), document))
}

/// What a scan of the stored package finds now: the inventory as it is stored, matched with what the feeds brought.
pub(crate) async fn scan(app: Arc<App>, call: Call) -> Answer {
    let detail = app.engine.package_detail(&call.caller, id(&call)?).await?;
    if !detail.inventoried {
        return Err(Problem::busy("the package is still being inspected", 2));
    }
    ok(&app.engine.scan(detail.inventory).await?)
}

fn subject(detail: &assay_engine::PackageDetail) -> Subject {
    let read: Vec<_> = detail.files.iter().filter(|f| f.role.is_some()).collect();
    Subject {
        name: detail.row.package.at.name.clone(),
        version: detail.row.package.at.version.clone(),
        is_image: read.iter().any(|f| f.role == Some(Role::Image)),
        sha256: match read.as_slice() {
            [one] => Some(one.digest.hex().to_owned()),
            _ => None,
        },
    }
}
