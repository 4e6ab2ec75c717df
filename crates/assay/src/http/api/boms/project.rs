//! Projects: names with versions, which are packages once a document of them was sent.

use super::super::super::answer::{insert, json_reply};
use super::{Answer, App, Call, no_project, ticket, worded};
use assay_engine::Desk;
use assay_formats::bom::FORMAT;
use assay_model::{
    access::{Caller, Permission},
    assessment::Assessment,
    package::{Package, PackageId},
    problem::{Kind, Problem},
    repository::Settings,
    seam::{format::Shelf as _, meta},
    vex::VexStatus,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// The version of a project that has none.
const UNVERSIONED: &str = "unversioned";
/// Longest tag, characters.
const TAG: usize = 100;
/// Projects of one answer.
const LISTED: usize = 1000;

/// A name and a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) version: String,
    /// What it is a part of, said when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Parent>,
    /// Tags that it was made with, for its package once a document is sent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) tags: BTreeSet<String>,
}

/// Tags as uploaders send them: a list of objects or of words, or one text with commas.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Tags {
    #[default]
    None,
    List(Vec<TagWord>),
    Text(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum TagWord {
    Object { name: String },
    Word(String),
}

impl Tags {
    /// The words, as Dependency-Track keeps them: trimmed and in lower case.
    ///
    /// # Errors
    /// `Invalid` for what can be no tag.
    pub(super) fn words(self) -> Result<BTreeSet<String>, Problem> {
        let words: Vec<String> = match self {
            Self::None => Vec::new(),
            Self::Text(text) => text.split(',').map(str::to_owned).collect(),
            Self::List(list) => list
                .into_iter()
                .map(|tag| match tag {
                    TagWord::Object { name } | TagWord::Word(name) => name,
                })
                .collect(),
        };
        let mut words: BTreeSet<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
        words.remove("");
        match words.iter().find(|word| word.chars().count() > TAG || word.chars().any(char::is_control)) {
            Some(_) => {
                Err(Problem::invalid("bad-tags", format!("a tag has 1 to {TAG} characters and no control characters")))
            }
            None => Ok(words),
        }
    }
}

impl Project {
    pub(super) fn new(name: &str, version: Option<&str>) -> Result<Self, Problem> {
        let version = version.filter(|version| !version.is_empty()).unwrap_or(UNVERSIONED);
        if name.is_empty() {
            return Err(Problem::invalid("bad-project", "a project needs a name: send `project`, or `projectName`"));
        }
        Ok(Self { name: name.to_owned(), version: version.to_owned(), parent: None, tags: BTreeSet::new() })
    }

    pub(super) fn uuid(&self, app: &App) -> Result<String, Problem> {
        ticket::project(app, &app.boms, &self.name, &self.version)
    }

    /// The package with the documents of it, if one was sent.
    pub(super) async fn package(&self, desk: &Desk) -> Result<Option<Package>, Problem> {
        let view = desk.view(&self.name).await?;
        let mut versions = view.iter().flat_map(|view| &view.versions).map(|version| &version.package);
        Ok(versions.find(|package| package.at.version == self.version).cloned())
    }

    /// Whether it was made, with or without a document.
    pub(super) async fn exists(&self, app: &App, desk: &Desk) -> Result<bool, Problem> {
        Ok(by_uuid(app, &self.uuid(app)?).await?.is_some() || self.package(desk).await?.is_some())
    }

    /// Notes that it exists, so that its identifier leads to it.
    pub(super) async fn note(&self, app: &App) -> Result<(), Problem> {
        let text = serde_json::to_string(self).map_err(|e| Problem::internal("cannot write JSON", e))?;
        let key = key(&self.uuid(app)?);
        meta::write(app.engine.meta(), move |tx| tx.setting_or(&key, &text).map(|_| ())).await
    }

    /// Notes that of the versions of its name this is the latest; any other is not any more.
    pub(super) async fn note_latest(&self, app: &App) -> Result<(), Problem> {
        let (key, version) = (latest_key(app, &self.name)?, self.version.clone());
        meta::write(app.engine.meta(), move |tx| tx.put_setting(&key, &version)).await
    }

    fn shown(&self, app: &App, package: Option<&Package>, latest: Option<&str>) -> Result<Value, Problem> {
        let tags = package.map_or(&self.tags, |package| &package.tags);
        let mut shown = json!({
            "uuid": self.uuid(app)?, "name": self.name, "version": self.version, "active": true, "properties": [],
            "tags": tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
            "isLatest": latest == Some(&self.version),
        });
        if let (Some(parent), Some(shown)) = (&self.parent, shown.as_object_mut()) {
            shown.insert("parent".to_owned(), parent.shown(app)?);
        }
        if let (Some(package), Some(shown)) = (package, shown.as_object_mut()) {
            shown.insert("lastBomImport".to_owned(), package.uploaded_at.as_millisecond().into());
            let (title, edition) = (&package.metadata["document"], &package.metadata["edition"]);
            let title = format!("{} {}", title.as_str().unwrap_or_default(), edition.as_str().unwrap_or_default());
            shown.insert("lastBomImportFormat".to_owned(), title.into());
        }
        Ok(shown)
    }
}

/// The name and version of a project that others are parts of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) name: String,
    pub(super) version: String,
}

impl Parent {
    fn shown(&self, app: &App) -> Result<Value, Problem> {
        let uuid = ticket::project(app, &app.boms, &self.name, &self.version)?;
        Ok(json!({"uuid": uuid, "name": self.name, "version": self.version}))
    }
}

/// Which project another is to be a part of, as uploaders say it.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedParent {
    pub(super) uuid: Option<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}

impl NamedParent {
    /// The project that is meant; nothing where none is named.
    ///
    /// # Errors
    /// `NotFound` where it is not there; `Invalid` where it would be a part of itself.
    pub(super) async fn find(self, app: &App, desk: &Desk, child: &Project) -> Result<Option<Parent>, Problem> {
        let is_said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let none = || Problem::not_found("The parent project could not be found.");
        let found = if is_said(&self.uuid) {
            by_uuid(app, self.uuid.as_deref().unwrap_or_default().trim()).await?.ok_or_else(none)?
        } else if is_said(&self.name) {
            let version = self.version.as_deref().map(str::trim);
            let parent = Project::new(self.name.as_deref().unwrap_or_default().trim(), version)?;
            if !parent.exists(app, desk).await? {
                return Err(none());
            }
            parent
        } else {
            return Ok(None);
        };
        if (&found.name, &found.version) == (&child.name, &child.version) {
            return Err(Problem::invalid("bad-parent", "a project cannot be a part of itself"));
        }
        Ok(Some(Parent { name: found.name, version: found.version }))
    }
}

fn key(uuid: &str) -> String {
    format!("bom.project.{}", uuid.to_ascii_lowercase())
}

fn latest_key(app: &App, name: &str) -> Result<String, Problem> {
    // no version is empty, so that this is the identifier of no project
    Ok(format!("bom.latest.{}", ticket::project(app, &app.boms, name, "")?))
}

/// The version that was said to be the latest of a name.
async fn latest(app: &App, name: &str) -> Result<Option<String>, Problem> {
    let key = latest_key(app, name)?;
    meta::read(app.engine.meta(), move |tx| tx.setting(&key)).await
}

/// The project with an identifier.
pub(super) async fn by_uuid(app: &App, uuid: &str) -> Result<Option<Project>, Problem> {
    if uuid.len() != 36 {
        return Ok(None);
    }
    let key = key(uuid);
    let text = meta::read(app.engine.meta(), move |tx| tx.setting(&key)).await?;
    let read = |text: String| serde_json::from_str(&text).map_err(|e| Problem::internal("a project cannot be read", e));
    text.map(read).transpose()
}

/// What was noted of these projects when they were made, in their order.
async fn noted(app: &App, projects: &[Project]) -> Result<Vec<Option<Project>>, Problem> {
    let keys = projects.iter().map(|project| Ok(key(&project.uuid(app)?))).collect::<Result<Vec<_>, Problem>>()?;
    let texts =
        meta::read(app.engine.meta(), move |tx| keys.iter().map(|key| tx.setting(key)).collect::<Result<Vec<_>, _>>());
    let read = |text: String| serde_json::from_str(&text).map_err(|e| Problem::internal("a project cannot be read", e));
    texts.await?.into_iter().map(|text| text.map(read).transpose()).collect()
}

/// The desk of the repository that holds documents; nothing while there is no such repository.
pub(super) async fn desk(app: &App, caller: &Caller) -> Result<Option<Desk>, Problem> {
    let places = app.engine.readable_repositories(&Caller::System).await?;
    if places.iter().all(|place| place.name != app.boms) {
        return Ok(None);
    }
    app.engine.desk(&app.boms, &FORMAT, caller.clone()).await.map(Some)
}

/// The same for whoever is about to write; makes the repository when it is first needed.
pub(super) async fn desk_for_writing(app: &App, caller: &Caller) -> Result<Desk, Problem> {
    if let Some(desk) = desk(app, caller).await? {
        return Ok(desk);
    }
    caller.require_everywhere(Permission::Write)?;
    match app.engine.create_repository(&Caller::System, &app.boms, Settings::default()).await {
        Err(problem) if problem.kind != Kind::Conflict => return Err(problem),
        _ => {}
    }
    app.engine.desk(&app.boms, &FORMAT, caller.clone()).await
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    #[serde(default)]
    name: String,
    version: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    is_latest: bool,
    parent: Option<DraftParent>,
}

#[derive(Deserialize)]
struct DraftParent {
    uuid: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

/// `GET /api/v1/project/lookup?name=&version=`.
pub(in crate::http) async fn lookup(app: Arc<App>, call: Call) -> Answer {
    let outcome = async move {
        let named: Named = call.query()?;
        let project = Project::new(&named.name, named.version.as_deref())?;
        let desk = desk(&app, &call.caller).await?.ok_or_else(no_project)?;
        if !project.exists(&app, &desk).await? {
            return Err(no_project());
        }
        let package = project.package(&desk).await?;
        let project = by_uuid(&app, &project.uuid(&app)?).await?.unwrap_or(project);
        let latest = latest(&app, &project.name).await?;
        super::super::ok(&project.shown(&app, package.as_ref(), latest.as_deref())?)
    };
    worded(outcome.await)
}

async fn found(app: &App, caller: &Caller, uuid: String) -> Result<(Project, Option<Package>), Problem> {
    let desk = desk(app, caller).await?.ok_or_else(no_project)?;
    let project = by_uuid(app, &uuid).await?.ok_or_else(no_project)?;
    let package = project.package(&desk).await?;
    Ok((project, package))
}

/// `GET /api/v1/project/{uuid}`.
pub(in crate::http) async fn show(app: Arc<App>, call: Call) -> Answer {
    let outcome = async move {
        let (project, package) = found(&app, &call.caller, call.param("uuid").to_owned()).await?;
        let latest = latest(&app, &project.name).await?;
        super::super::ok(&project.shown(&app, package.as_ref(), latest.as_deref())?)
    };
    worded(outcome.await)
}

/// `GET /api/v1/project`, all or those of a name.
pub(in crate::http) async fn list(app: Arc<App>, call: Call) -> Answer {
    let outcome = async move {
        let named: Named = call.query()?;
        let mut all = Vec::new();
        if let Some(desk) = desk(&app, &call.caller).await? {
            let names = if named.name.is_empty() { desk.names(None, LISTED).await? } else { vec![named.name] };
            for name in names {
                let (view, latest) = (desk.view(&name).await?, latest(&app, &name).await?);
                let versions: Vec<&Package> =
                    view.iter().flat_map(|view| &view.versions).map(|version| &version.package).collect();
                let versions = &versions[..versions.len().min(LISTED - all.len().min(LISTED))];
                let of = |package: &&Package| Project::new(&package.at.name, Some(&package.at.version));
                let projects = versions.iter().map(of).collect::<Result<Vec<_>, _>>()?;
                let noted = noted(&app, &projects).await?;
                for ((project, noted), package) in projects.into_iter().zip(noted).zip(versions) {
                    all.push(noted.unwrap_or(project).shown(&app, Some(package), latest.as_deref())?);
                }
            }
        }
        let mut reply = json_reply(StatusCode::OK, &all);
        insert(reply.headers_mut(), "x-total-count", &all.len().to_string());
        Ok(reply)
    };
    worded(outcome.await)
}

/// `PUT /api/v1/project`: makes one that has no document yet.
pub(in crate::http) async fn create(app: Arc<App>, mut call: Call) -> Answer {
    let outcome = async move {
        let draft: Draft = call.json().await?;
        let mut project = Project::new(&draft.name, draft.version.as_deref())?;
        project.tags = draft.tags.words()?;
        assay_formats::bom::check(&project.name, &project.version)?;
        let desk = desk_for_writing(&app, &call.caller).await?;
        desk.may_write()?;
        if project.exists(&app, &desk).await? {
            let text = "A project with the specified name already exists.";
            return Ok(super::plain(StatusCode::CONFLICT, "text/plain", text));
        }
        let parent = draft.parent.map(|one| NamedParent { uuid: one.uuid, name: one.name, version: one.version });
        project.parent = parent.unwrap_or_default().find(&app, &desk, &project).await?;
        project.note(&app).await?;
        if draft.is_latest {
            project.note_latest(&app).await?;
        }
        let latest = latest(&app, &project.name).await?;
        super::super::created(&project.shown(&app, None, latest.as_deref())?)
    };
    worded(outcome.await)
}

#[derive(Deserialize)]
struct Wanted {
    /// Also what a trusted statement or a waiver takes away.
    #[serde(default)]
    suppressed: bool,
}

/// `GET /api/v1/finding/project/{uuid}?suppressed=`: what counts, so that gates in builds do not fail of what was answered.
pub(in crate::http) async fn findings(app: Arc<App>, call: Call) -> Answer {
    let outcome = async move {
        let (project, package) = found(&app, &call.caller, call.param("uuid").to_owned()).await?;
        let uuid = project.uuid(&app)?;
        let wanted: Wanted = call.query()?;
        let Some(Package { id, .. }) = package else { return super::super::ok(&json!([])) };
        let detail = app.engine.package_detail(&call.caller, id).await?;
        let shown = detail.findings.iter().filter(|one| wanted.suppressed || one.assessment.for_all().is_none());
        let findings = shown.map(|one| {
            json!({
                "component": {
                    "name": one.component.name, "group": one.component.namespace, "version": one.component.version,
                    "purl": one.component.purl, "project": uuid,
                },
                "vulnerability": {
                    "vulnId": one.finding.id, "title": one.finding.title, "severity": severity(one.finding.severity),
                    "cvssV3BaseScore": one.finding.score(), "source": "ASSAY",
                    "aliases": one.finding.ids().skip(1).collect::<Vec<_>>(),
                },
                "analysis": analysis(&one.assessment),
                "matrix": format!("{uuid}:{}:{}", one.component.purl, one.finding.id),
            })
        });
        let all: Vec<Value> = findings.collect();
        let mut reply = json_reply(StatusCode::OK, &all);
        insert(reply.headers_mut(), "x-total-count", &all.len().to_string());
        Ok(reply)
    };
    worded(outcome.await)
}

/// What was said of a finding, in the words of these clients.
fn analysis(assessment: &Assessment) -> Value {
    let state = assessment.said.as_ref().filter(|said| said.trusted).map(|said| match said.statement.status {
        VexStatus::NotAffected => "NOT_AFFECTED",
        VexStatus::Fixed => "RESOLVED",
        VexStatus::Affected => "EXPLOITABLE",
        VexStatus::UnderInvestigation => "IN_TRIAGE",
    });
    json!({"isSuppressed": assessment.for_all().is_some(), "state": state.unwrap_or("NOT_SET")})
}

fn severity(severity: assay_model::finding::Severity) -> String {
    use assay_model::finding::Severity::Unknown;
    if severity == Unknown { "UNASSIGNED".to_owned() } else { severity.as_str().to_uppercase() }
}

/// `GET /api/v1/violation/project/{uuid}`: the policies that match, each once.
pub(in crate::http) async fn violations(app: Arc<App>, call: Call) -> Answer {
    let outcome = async move {
        let (project, package) = found(&app, &call.caller, call.param("uuid").to_owned()).await?;
        let Some(package) = package else { return super::super::ok(&json!([])) };
        let all = matched(&app, &call.caller, &project, package.id).await?;
        let mut reply = json_reply(StatusCode::OK, &all);
        insert(reply.headers_mut(), "x-total-count", &all.len().to_string());
        Ok(reply)
    };
    worded(outcome.await)
}

async fn matched(app: &App, caller: &Caller, project: &Project, id: PackageId) -> Result<Vec<Value>, Problem> {
    let detail = app.engine.package_detail(caller, id).await?;
    let Some(decision) = detail.decisions.first() else { return Ok(Vec::new()) };
    let uuid = project.uuid(app)?;
    let violation = |verdict: &assay_model::decision::Verdict| {
        json!({
            "type": "OPERATIONAL", "project": {"uuid": uuid, "name": project.name, "version": project.version},
            "text": verdict.reasons.join("; "), "component": {"name": project.name, "version": project.version},
            "policyCondition": {"policy": {"name": verdict.policy, "violationState": "FAIL"}},
        })
    };
    Ok(decision.verdicts.iter().map(violation).collect())
}
