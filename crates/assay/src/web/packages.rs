//! Lists of packages: the form above them, their lines, and the page with all that the caller may read.

use super::{
    Outcome, WebRequest,
    frame::Frame,
    pieces::{STATES, SeverityBadge, StateBadge, When, counts_and_suppressed, readable, size},
    query::{Query, address},
    reply,
};
use askama::Template;
use assay_engine::{Engine, PackageRow};
use assay_model::{
    access::{Caller, Permission},
    package::{PackageId, State},
    problem::Problem,
    repository::RepositoryId,
    seam::meta::PackageFilter,
};
use jiff::Timestamp;
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

    /// What the search field asks for.
    ///
    /// # Errors
    /// `Invalid`, saying at which character.
    pub(super) fn query(&self, now: Timestamp) -> Result<Option<assay_model::query::Query>, Problem> {
        assay_model::query::Query::parse(self.text.as_deref().unwrap_or_default(), now)
    }

    fn filter(&self, repositories: Option<Vec<RepositoryId>>, now: Timestamp) -> Result<PackageFilter, Problem> {
        Ok(PackageFilter {
            repositories,
            format: self.format.clone(),
            text: None,
            query: self.query(now)?,
            ids: None,
            state: self.state,
            before: self.before.map(PackageId),
            limit: PAGE + 1,
        })
    }

    /// The packages that fit; or none, and what is wrong with the text of the search field.
    ///
    /// # Errors
    /// From the store.
    pub(super) async fn find(
        &self,
        engine: &Engine,
        caller: &Caller,
        repositories: Option<Vec<RepositoryId>>,
    ) -> Result<Found, Problem> {
        match self.filter(repositories, engine.now()) {
            Ok(filter) => Ok(Found { rows: engine.list_packages(caller, filter).await?, wrong: None }),
            Err(problem) => Ok(Found { rows: Vec::new(), wrong: Some(problem.message) }),
        }
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

/// What a list found.
#[derive(Default)]
pub(super) struct Found {
    /// A page of rows; one more than fits means that there is another page.
    pub(super) rows: Vec<PackageRow>,
    /// What is wrong with the text of the search field.
    pub(super) wrong: Option<String>,
}

impl Found {
    /// A text that cannot be understood is the caller's mistake.
    pub(super) fn status(&self) -> u16 {
        if self.wrong.is_some() { 400 } else { 200 }
    }
}

/// Searches to begin with, and what they find.
const EXAMPLES: [(&str, &str); 6] = [
    ("severity:high NOT tag:approved", "has a finding that is high or critical, and nobody approved it"),
    ("component:log4j-core<2.17.1", "has this inside, older than that"),
    ("license:GPL* OR license:AGPL*", "is or contains something under one of these licences"),
    ("uploaded:>\"7 days ago\" vulnerabilities:>0", "arrived this week and is vulnerable"),
    ("origin:\"\" size:>100MiB", "was published here and is large"),
    ("last_downloaded:<\"90 days ago\"", "was not used for three months"),
];

/// A choice in a form.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// A page of a list with the form above it.
pub(super) struct List {
    pub(super) action: String,
    pub(super) text: String,
    pub(super) wrong: Option<String>,
    /// Address, text, and what it finds.
    pub(super) examples: Vec<(String, &'static str, &'static str)>,
    pub(super) repositories: Option<Vec<Choice>>,
    pub(super) formats: Vec<Choice>,
    pub(super) states: Vec<Choice>,
    pub(super) rows: Vec<Line>,
    pub(super) restricted: bool,
    pub(super) first: Option<String>,
    pub(super) next: Option<String>,
    pub(super) show_repository: bool,
}

/// A line of a list.
pub(super) struct Line {
    pub(super) href: String,
    pub(super) display: String,
    pub(super) references: Vec<String>,
    pub(super) repository: String,
    pub(super) format: String,
    pub(super) state: StateBadge,
    pub(super) worst: Option<SeverityBadge>,
    pub(super) findings: String,
    pub(super) size: String,
    pub(super) arrived: When,
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
            findings: counts_and_suppressed(&row.findings, &row.suppressed),
            size: size(row.size),
            arrived: When(row.package.uploaded_at),
        }
    }
}

/// Names and titles of the formats.
pub(super) type Formats = Vec<(String, String)>;

/// The formats of a server.
pub(super) fn formats(engine: &Engine) -> Formats {
    engine.formats().iter().map(|f| (f.spec().id.to_owned(), f.spec().title.to_owned())).collect()
}

impl List {
    /// A page of a list. `repositories` are the choices of a list over several.
    pub(super) fn new(
        path: &str,
        wanted: &Wanted,
        found: Found,
        repositories: Option<&[String]>,
        formats: Formats,
    ) -> Self {
        let Found { mut rows, wrong } = found;
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
            wrong,
            examples: EXAMPLES.map(|(query, what)| (address(path, &[("q", Some(query))]), query, what)).into(),
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

    /// Whether something on it is still under way.
    pub(super) fn pending(&self) -> bool {
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
    if readable.is_empty() && request.caller == Caller::Anonymous {
        return Ok(reply::see_other(&super::session::login_address(&request.here())));
    }
    let chosen = match &wanted.repository {
        Some(name) => Some(vec![engine.repository(&request.caller, name, Permission::Read).await?.id]),
        None => None,
    };
    let found = wanted.find(engine, &request.caller, chosen).await?;
    let status = found.status();
    let names: Vec<String> = readable.into_iter().map(|r| r.name).collect();
    let list = List::new("/ui/packages", &wanted, found, Some(&names), formats(engine));
    reply::html(status, &view(Frame::of(request, "Packages", "packages"), list))
}

pub(super) fn view(mut frame: Frame, list: List) -> PackagesPage {
    frame.refresh = list.pending().then_some(3);
    frame.search = list.text.clone();
    PackagesPage { frame, list }
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
