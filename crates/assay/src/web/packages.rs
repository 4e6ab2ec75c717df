//! Lists of packages: all that the caller may read, and those of one repository with how to point clients at it.

use super::{
    Outcome, WebRequest,
    dashboard::{Bars, total},
    frame::Frame,
    overview::{Summary, summarise},
    pieces::{STATES, SeverityBadge, StateBadge, When, counts, readable, size},
    query::{Query, address},
    reply,
};
use askama::Template;
use assay_engine::{Engine, PackageRow};
use assay_model::{
    access::Permission,
    package::{PackageId, State},
    problem::Problem,
    repository::RepositoryId,
    seam::meta::PackageFilter,
};
use std::sync::Arc;

const PAGE: usize = 50;

/// What the form above a list asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) repository: Option<String>,
    pub(super) format: Option<String>,
    pub(super) state: Option<State>,
    pub(super) text: Option<String>,
    pub(super) before: Option<i64>,
}

impl Wanted {
    /// Reads a query string.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query.unwrap_or_default().as_bytes())?;
        let owned = |name: &str| query.get(name).map(str::to_owned);
        let state = query.get("state").map(|word| {
            State::parse(word).ok_or_else(|| {
                Problem::invalid("bad-query", "`state` must be available, quarantined, pending or hidden")
            })
        });
        Ok(Self {
            repository: owned("repository"),
            format: owned("format"),
            state: state.transpose()?,
            text: owned("q"),
            before: query.number("before")?,
        })
    }

    fn filter(&self, repositories: Option<Vec<RepositoryId>>) -> Result<PackageFilter, Problem> {
        let query = self.text.as_deref().unwrap_or_default();
        Ok(PackageFilter {
            repositories,
            format: self.format.clone(),
            text: None,
            query: assay_model::query::Query::parse(query, jiff::Timestamp::now())?,
            state: self.state,
            before: self.before.map(PackageId),
            limit: PAGE + 1,
        })
    }

    fn address(&self, path: &str, before: Option<i64>) -> String {
        let before = before.map(|b| b.to_string());
        let pairs = [
            ("repository", self.repository.as_deref()),
            ("format", self.format.as_deref()),
            ("state", self.state.map(State::as_str)),
            ("q", self.text.as_deref()),
            ("before", before.as_deref()),
        ];
        address(path, &pairs)
    }

    fn restricts(&self) -> bool {
        self.repository.is_some() || self.format.is_some() || self.state.is_some() || self.text.is_some()
    }
}

/// A choice in a form.
pub(super) struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// A page of a list with the form above it.
pub(super) struct List {
    action: String,
    text: String,
    repositories: Option<Vec<Choice>>,
    formats: Vec<Choice>,
    states: Vec<Choice>,
    rows: Vec<Line>,
    restricted: bool,
    first: Option<String>,
    next: Option<String>,
    show_repository: bool,
}

struct Line {
    href: String,
    display: String,
    references: Vec<String>,
    repository: String,
    format: String,
    state: StateBadge,
    worst: Option<SeverityBadge>,
    findings: String,
    size: String,
    arrived: When,
}

impl Line {
    fn of(row: PackageRow) -> Self {
        Self {
            href: format!("/ui/packages/{}", row.package.id.0),
            display: readable(&row.display),
            references: row.references,
            repository: row.repository_name,
            format: row.package.at.format,
            state: StateBadge(row.package.state),
            worst: row.worst.map(SeverityBadge),
            findings: counts(&row.findings),
            size: size(row.size),
            arrived: When(row.package.uploaded_at),
        }
    }
}

/// Names and titles of the formats.
pub(super) type Formats = Vec<(String, String)>;

fn formats(engine: &Engine) -> Formats {
    engine.formats().iter().map(|f| (f.spec().id.to_owned(), f.spec().title.to_owned())).collect()
}

impl List {
    /// A page of rows (one more than fits means that there is another page). `repositories` are the choices of a list
    /// over several.
    pub(super) fn new(
        path: &str,
        wanted: &Wanted,
        mut rows: Vec<PackageRow>,
        repositories: Option<&[String]>,
        formats: Formats,
    ) -> Self {
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let last = rows.last().map(|r| r.package.id.0).filter(|_| more);
        let choose = |value: &str, label: &str, chosen: Option<&str>| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            chosen: chosen == Some(value),
        };
        let state = |s: State| choose(s.as_str(), s.as_str(), wanted.state.map(State::as_str));
        let place = |name: &String| choose(name, name, wanted.repository.as_deref());
        Self {
            action: path.to_owned(),
            text: wanted.text.clone().unwrap_or_default(),
            repositories: repositories.map(|all| all.iter().map(place).collect()),
            formats: formats.iter().map(|(id, title)| choose(id, title, wanted.format.as_deref())).collect(),
            states: STATES.into_iter().map(state).collect(),
            rows: rows.into_iter().map(Line::of).collect(),
            restricted: wanted.restricts(),
            first: wanted.before.map(|_| wanted.address(path, None)),
            next: last.map(|id| wanted.address(path, Some(id))),
            show_repository: repositories.is_some(),
        }
    }

    fn pending(&self) -> bool {
        self.rows.iter().any(|r| r.state.0 == State::Pending)
    }
}

#[derive(Template)]
#[template(path = "packages.html")]
pub(super) struct PackagesPage {
    frame: Frame,
    list: List,
}

/// The list over all repositories.
///
/// # Errors
/// `Invalid` for a bad query; from the store.
pub(super) async fn page(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let wanted = Wanted::parse(request.query.as_deref())?;
    let readable = engine.readable_repositories(&request.caller).await?;
    if readable.is_empty() && request.caller == assay_model::access::Caller::Anonymous {
        return Ok(reply::see_other(&super::session::login_address(&request.here())));
    }
    let chosen = match &wanted.repository {
        Some(name) => Some(vec![engine.repository(&request.caller, name, Permission::Read).await?.id]),
        None => None,
    };
    let rows = engine.list_packages(&request.caller, wanted.filter(chosen)?).await?;
    let names: Vec<String> = readable.into_iter().map(|r| r.name).collect();
    let list = List::new("/ui/packages", &wanted, rows, Some(&names), formats(engine));
    reply::html(200, &view(Frame::of(request, "Packages", "packages"), list))
}

pub(super) fn view(mut frame: Frame, list: List) -> PackagesPage {
    frame.refresh = list.pending().then_some(3);
    frame.search = list.text.clone();
    PackagesPage { frame, list }
}

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

#[derive(Template)]
#[template(path = "repository.html")]
pub(super) struct RepositoryPage {
    frame: Frame,
    name: String,
    description: String,
    created: When,
    anonymous: bool,
    immutable_tags: bool,
    hold_seconds: u32,
    packages: String,
    states: Vec<(StateBadge, usize, String)>,
    bars: Bars,
    list: List,
    guides: Vec<Guide>,
}

/// One repository.
///
/// # Errors
/// `NotFound`, `Forbidden`; `Invalid` for a bad query.
pub(super) async fn repository_page(engine: &Arc<Engine>, request: &WebRequest, name: &str) -> Outcome {
    let mut wanted = Wanted::parse(request.query.as_deref())?;
    wanted.repository = None;
    let repository = engine.repository(&request.caller, name, Permission::Read).await?;
    let rows = engine.list_packages(&request.caller, wanted.filter(Some(vec![repository.id]))?).await?;
    let summary = summarise(engine, &request.caller, repository.as_ref().clone()).await?;
    let guides = engine.formats().iter().map(|f| {
        let spec = f.spec();
        Guide::fill(spec.title, spec.clients, &request.base_url, name)
    });
    let path = format!("/ui/repositories/{name}");
    let list = List::new(&path, &wanted, rows, None, formats(engine));
    let frame = Frame::of(request, format!("Repository {name}"), "repositories");
    reply::html(200, &repository_view(frame, summary, list, guides.collect()))
}

pub(super) fn repository_view(mut frame: Frame, summary: Summary, list: List, guides: Vec<Guide>) -> RepositoryPage {
    frame.refresh = list.pending().then_some(3);
    let name = summary.repository.name.clone();
    let link = |s: State| address(&format!("/ui/repositories/{name}"), &[("state", Some(s.as_str()))]);
    RepositoryPage {
        frame,
        packages: total(&summary),
        states: STATES.into_iter().map(|s| (StateBadge(s), summary.count(s), link(s))).collect(),
        bars: Bars::of(&summary.findings, summary.looked_into),
        created: When(summary.repository.created_at),
        anonymous: summary.repository.settings.anonymous_read,
        immutable_tags: summary.repository.settings.immutable_tags,
        hold_seconds: summary.repository.settings.hold_seconds,
        description: summary.repository.settings.description,
        name,
        list,
        guides,
    }
}

/// Goes to the package that `what` names.
///
/// # Errors
/// `NotFound`.
pub(super) async fn find(engine: &Arc<Engine>, request: &WebRequest) -> Outcome {
    let query = Query::parse(request.query.as_deref().unwrap_or_default().as_bytes())?;
    let what = query.get("what").ok_or_else(|| Problem::invalid("bad-query", "`what` must name a package"))?;
    let id = engine.find_package(&request.caller, what).await?;
    Ok(reply::see_other(&format!("/ui/packages/{}", id.0)))
}
