//! Requests: the index, charts, and the API. What uploads share is in `push.rs`.

use super::{
    SPEC, inspect,
    names::{self, PROVENANCE, readings, shown},
    push::{self, Push},
    render,
};
use crate::kit::{
    answer,
    path::{Query, decode, encode_segment},
};
use assay_model::{
    Problem,
    seam::format::{Document, Reply, Repo, Request, Withdraw},
    view::PackageView,
};
use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use std::sync::Arc;

/// Names asked for at once while the index is rendered.
const PAGE: usize = 1000;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let path = decode(&request.path)?.into_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let reading = matches!(request.method, Method::GET | Method::HEAD);
    match (segments.as_slice(), &request.method) {
        ([""], _) if reading => {
            Ok(answer::moved(format!("/{}/{}/index.yaml", SPEC.prefix, encode_segment(repo.repository()))))
        }
        (["index.yaml"], _) if reading => index(repo).await,
        (["api", "charts"], &Method::POST) => push::chart(repo, request).await,
        (["api", "prov"], &Method::POST) => push::signature(repo, request.body).await,
        (["api", "charts"], _) if reading => list(repo, request.query.as_deref()).await,
        (["api", "charts", name], _) if reading => chart(repo, name).await,
        (["api", "charts", name, version], _) if reading => version_of(repo, name, version).await,
        (["api", "charts", name, version], &Method::DELETE) => delete(repo, name, version).await,
        ([file] | ["charts", file], _) if is_file(file) => match request.method {
            Method::GET | Method::HEAD => download(repo, file).await,
            Method::PUT => push::file(repo, file, request.body).await,
            _ => Ok(not_allowed("GET, HEAD, PUT")),
        },
        (["index.yaml"], _) => Ok(not_allowed("GET, HEAD")),
        (["api", "charts"], _) => Ok(not_allowed("GET, HEAD, POST")),
        (["api", "prov"], _) => Ok(not_allowed("POST")),
        (["api", "charts", _], _) => Ok(not_allowed("GET, HEAD")),
        (["api", "charts", _, _], _) => Ok(not_allowed("GET, HEAD, DELETE")),
        _ => Err(Problem::not_found(format!(
            "there is nothing here; the index is at /{prefix}/{repository}/index.yaml, uploads go to \
             /{prefix}/{repository}/api/charts",
            prefix = SPEC.prefix,
            repository = repo.repository()
        ))),
    }
}

fn is_file(name: &str) -> bool {
    name.strip_suffix(PROVENANCE).unwrap_or(name).ends_with(".tgz")
}

fn not_allowed(allow: &str) -> Reply {
    let hint = format!("this address takes {allow}; charts are sent with POST to api/charts");
    answer::not_allowed(render::problem, allow, &hint)
}

/// The views of all charts, in order of names.
async fn views(repo: &dyn Repo, skip: usize, most: usize) -> Result<Vec<Arc<PackageView>>, Problem> {
    let (mut views, mut after, mut seen) = (Vec::new(), None, 0);
    loop {
        let names = repo.names(after.as_deref(), PAGE).await?;
        let full = names.len() == PAGE;
        for name in &names {
            seen += 1;
            if seen <= skip {
                continue;
            }
            if views.len() >= most {
                return Ok(views);
            }
            views.extend(repo.view(name).await?);
        }
        match names.into_iter().next_back() {
            Some(last) if full => after = Some(last),
            _ => return Ok(views),
        }
    }
}

/// One document of all charts. Each chart's part is kept for as long as its view stays the same, and the whole for as
/// long as all of them do.
fn joined(
    repo: &dyn Repo,
    views: &[Arc<PackageView>],
    form: [&'static str; 2],
    part: fn(&PackageView) -> Document,
    join: &(dyn Fn(&[Document]) -> Document + Sync),
) -> Document {
    let mut revisions = String::new();
    for view in views {
        revisions.push_str(&format!("{}={};", view.name, view.revision));
    }
    // No chart has this name.
    let whole = PackageView {
        name: "/".to_owned(),
        versions: Vec::new(),
        references: Vec::new(),
        revision: assay_model::Digest::of(revisions.as_bytes()).hex().to_owned(),
    };
    let [whole_form, part_form] = form;
    repo.rendered(&whole, whole_form, &|_| {
        let parts: Vec<Document> = views.iter().map(|view| repo.rendered(view, part_form, &part)).collect();
        join(&parts)
    })
}

async fn index(repo: &dyn Repo) -> Result<Reply, Problem> {
    let views = views(repo, 0, usize::MAX).await?;
    let generated = views.iter().map(|view| render::newest(view)).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let form = ["index.yaml", "index.yaml part"];
    let join = |parts: &[Document]| render::index(parts, generated);
    Ok(Reply::Document(joined(repo, &views, form, render::index_part, &join)))
}

/// `GET /api/charts`, all or `limit` charts after the first `offset`.
async fn list(repo: &dyn Repo, query: Option<&str>) -> Result<Reply, Problem> {
    let query = Query::parse(query);
    let number = |name: &str| -> Result<Option<usize>, Problem> {
        let wrong = |_| Problem::invalid("bad-query", format!("`{name}` is not a number"));
        query.get(name).map(|text| text.parse().map_err(wrong)).transpose()
    };
    let (skip, most) = (number("offset")?.unwrap_or(0), number("limit")?);
    let views = views(repo, skip, most.unwrap_or(usize::MAX)).await?;
    let form = ["list", "list part"];
    Ok(Reply::Document(joined(repo, &views, form, render::list_part, &render::list)))
}

fn no_chart(repo: &dyn Repo, name: &str) -> Problem {
    Problem::not_found(format!("there is no chart `{}` in repository {}", shown(name), repo.repository()))
}

fn no_version(repo: &dyn Repo, name: &str, version: &str) -> Problem {
    let (name, version) = (shown(name), shown(version));
    Problem::not_found(format!("there is no version {version} of chart `{name}` in repository {}", repo.repository()))
}

async fn chart(repo: &dyn Repo, name: &str) -> Result<Reply, Problem> {
    let view = repo.view(name).await?.ok_or_else(|| no_chart(repo, name))?;
    Ok(Reply::Document(repo.rendered(&view, "chart", &|view| render::value(&render::entries(view).into()))))
}

async fn version_of(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let view = repo.view(name).await?.ok_or_else(|| no_chart(repo, name))?;
    let found = view.versions.iter().find(|known| known.package.at.version == version);
    let entry = found.and_then(|found| render::entry(name, found)).ok_or_else(|| no_version(repo, name, version))?;
    Ok(Reply::Document(render::value(&entry)))
}

async fn delete(repo: &dyn Repo, name: &str, version: &str) -> Result<Reply, Problem> {
    let what = Withdraw::Version { name: name.to_owned(), version: version.to_owned() };
    match repo.withdraw(what).await? {
        true => Ok(Reply::Answer(render::done(200, "deleted"))),
        false => Err(no_version(repo, name, version)),
    }
}

async fn download(repo: &dyn Repo, file: &str) -> Result<Reply, Problem> {
    for (name, _) in readings(file) {
        if let Some(file) = repo.fetch(name, file).await? {
            return Ok(Reply::File { file, headers: Vec::new() });
        }
    }
    Err(Problem::not_found(format!("there is no file `{}` in repository {}", shown(file), repo.repository())))
}

/// What came in the parts of a form.
pub(super) async fn form(repo: &dyn Repo, mut parts: crate::kit::multipart::Form) -> Result<Push, Problem> {
    let mut push = Push::default();
    while let Some(part) = parts.next().await? {
        match part.name() {
            "chart" if push.chart.is_none() => push.chart = Some(push::stage(repo, part.stream()).await?),
            "prov" if push.signature.is_none() => {
                push.signature = Some(Bytes::from(part.text(super::provenance::LARGEST).await?));
            }
            "chart" | "prov" => return Err(Problem::invalid("bad-form", "the form has a field twice")),
            _ => part.skip().await?,
        }
    }
    Ok(push)
}

/// The chart that a signature is about, as it is stored here.
pub(super) async fn signed(
    repo: &dyn Repo,
    files: &std::collections::BTreeMap<String, String>,
) -> Result<inspect::Chart, Problem> {
    for (file, sum) in files {
        for (name, version) in readings(file) {
            let Some(stored) = repo.file(name, file).await? else { continue };
            if stored.digest.hex() != sum {
                return Err(Problem::invalid(
                    "digest-mismatch",
                    format!("the provenance file signs other bytes than those of {}", shown(file)),
                ));
            }
            let view = repo.view(name).await?;
            let mut versions = view.iter().flat_map(|view| &view.versions);
            let known = versions.find(|known| names::same(&known.package.at.version, version));
            if let Some(known) = known {
                return Ok(inspect::Chart {
                    name: name.to_owned(),
                    version: known.package.at.version.clone(),
                    metadata: known.package.metadata.clone(),
                });
            }
        }
    }
    let file = files.keys().next().map(String::as_str).unwrap_or_default();
    Err(Problem::not_found(format!("there is no chart {} here: send the chart first", shown(file))))
}
