//! One repository: how full it is, what it takes from where, its rules, its packages and its trash, and how clients are
//! pointed at it.

mod holds;
mod retention;
mod rules;
mod upstreams;

use super::{
    Outcome, WebRequest,
    dashboard::{Bars, total},
    frame::Frame,
    overview::{Summary, parts, summarise},
    packages::{List, Wanted, formats},
    pieces::{STATES, StateBadge, When},
    query::address,
    reply,
};
use askama::Template;
use assay_engine::{Engine, Holding, TrashRow, UpstreamRow};
use assay_model::{
    access::{Caller, Permission},
    package::State,
    problem::Problem,
    repository::Repository,
};
use holds::{Holds, TrashView};
use jiff::Timestamp;
use rules::{RuleLine, promotion, retention as retention_lines, settings};
use std::sync::Arc;

pub(super) use holds::Gauge;
pub(super) use retention::page as retention_page;
pub(super) use upstreams::UpstreamLine;

#[cfg(test)]
pub(super) use retention::PreviewPage;

/// Packages of the trash that the page shows.
const TRASH: usize = 50;

/// How one format's clients are pointed at a repository.
pub(super) struct Guide {
    title: &'static str,
    clients: Vec<(&'static str, String)>,
}

impl Guide {
    /// Fills in where this repository is.
    pub(super) fn fill(
        title: &'static str,
        clients: &[(&'static str, &'static str)],
        base_url: &str,
        repository: &str,
    ) -> Self {
        let host = base_url.split_once("://").map_or(base_url, |(_, host)| host);
        let fill =
            |text: &str| text.replace("{url}", base_url).replace("{host}", host).replace("{repository}", repository);
        Self { title, clients: clients.iter().map(|(client, text)| (*client, fill(text))).collect() }
    }
}

/// What the engine says of a repository.
pub(super) struct Gathered {
    pub(super) summary: Summary,
    pub(super) holding: Holding,
    /// For those who administer it.
    pub(super) upstreams: Option<Vec<UpstreamRow>>,
    pub(super) trash: Vec<TrashRow>,
    /// Names of the repositories that the caller may read.
    pub(super) readable: Vec<String>,
    pub(super) permission: Permission,
    pub(super) now: Timestamp,
}

/// A repository that this one is composed of.
struct Member {
    name: String,
    readable: bool,
    takes_pushes: bool,
}

#[derive(Template)]
#[template(path = "repository.html")]
pub(super) struct RepositoryPage {
    frame: Frame,
    name: String,
    description: String,
    created: When,
    anonymous: bool,
    packages: String,
    downloads: u64,
    states: Vec<(StateBadge, usize, String)>,
    bars: Bars,
    members: Vec<Member>,
    takes_pushes: bool,
    upstreams: Option<Vec<UpstreamLine>>,
    holds: Holds,
    settings: Vec<(&'static str, String)>,
    retention: Vec<RuleLine>,
    promotion: Vec<RuleLine>,
    trash: TrashView,
    may_write: bool,
    may_administer: bool,
    list: List,
    guides: Vec<Guide>,
}

/// The page.
///
/// # Errors
/// `NotFound`, `Forbidden`; `Invalid` for a bad query.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest, name: &str) -> Outcome {
    let mut wanted = Wanted::parse(request.query.as_deref())?;
    let caller = &request.caller;
    let repository = engine.repository(caller, name, Permission::Read).await?;
    let readable = engine.readable_repositories(caller).await?;
    let shown = parts(&repository, &readable);
    let composed = !repository.settings.members.is_empty();
    let names: Vec<String> = readable.iter().filter(|r| shown.contains(&r.id)).map(|r| r.name.clone()).collect();
    wanted.repository = wanted.repository.filter(|chosen| composed && names.contains(chosen));
    let chosen = readable.iter().find(|r| Some(&r.name) == wanted.repository.as_ref()).map(|r| vec![r.id]);
    let found = wanted.find(engine, caller, Some(chosen.unwrap_or_else(|| shown.clone()))).await?;
    let status = found.status();
    let path = format!("/ui/repositories/{name}");
    let list = List::new(&path, &wanted, found, composed.then_some(names.as_slice()), formats(engine));
    let summary = summarise(engine, caller, repository.as_ref().clone(), shown).await?;
    let gathered = gather(engine, caller, &repository, summary, readable).await?;
    let guides = engine.formats().iter().map(|f| {
        let spec = f.spec();
        Guide::fill(spec.title, spec.clients, &request.base_url, name)
    });
    let frame = Frame::of(request, format!("Repository {name}"), "repositories");
    reply::html(status, &view(frame, gathered, list, guides.collect()))
}

async fn gather(
    engine: &Arc<Engine>,
    caller: &Caller,
    repository: &Repository,
    summary: Summary,
    readable: Vec<Repository>,
) -> Result<Gathered, Problem> {
    let permission = caller.permission_in(repository).unwrap_or(Permission::Read);
    let upstreams = match permission {
        Permission::Admin => Some(engine.list_upstreams(caller, &repository.name).await?),
        _ => None,
    };
    Ok(Gathered {
        summary,
        holding: engine.holdings().await?.get(&repository.id).copied().unwrap_or_default(),
        upstreams,
        trash: engine.trash(caller, Some(&repository.name), None, TRASH + 1).await?,
        readable: readable.into_iter().map(|r| r.name).collect(),
        permission,
        now: engine.now(),
    })
}

pub(super) fn view(mut frame: Frame, gathered: Gathered, list: List, guides: Vec<Guide>) -> RepositoryPage {
    let Gathered { summary, holding, upstreams, trash, readable, permission, now } = gathered;
    frame.refresh = list.pending().then_some(3);
    let name = summary.repository.name.clone();
    let link = |s: State| address(&format!("/ui/repositories/{name}"), &[("state", Some(s.as_str()))]);
    let set = &summary.repository.settings;
    let member = |name: &String| Member {
        readable: readable.contains(name),
        takes_pushes: set.push_to == *name,
        name: name.clone(),
    };
    RepositoryPage {
        frame,
        packages: total(&summary),
        downloads: summary.downloads,
        states: STATES.into_iter().map(|s| (StateBadge(s), summary.count(s), link(s))).collect(),
        bars: Bars::of(&summary.findings, summary.suppressed, summary.looked_into),
        created: When(summary.repository.created_at),
        anonymous: set.anonymous_read,
        description: set.description.clone(),
        members: set.members.iter().map(member).collect(),
        takes_pushes: !set.push_to.is_empty(),
        upstreams: upstreams.map(|all| all.into_iter().map(|row| UpstreamLine::of(row, now)).collect()),
        holds: Holds::of(&holding, set),
        settings: settings(set),
        retention: retention_lines(&set.retention),
        promotion: promotion(&set.promotion),
        trash: TrashView::of(trash, &holding, TRASH),
        may_write: permission >= Permission::Write,
        may_administer: permission >= Permission::Admin,
        name,
        list,
        guides,
    }
}
