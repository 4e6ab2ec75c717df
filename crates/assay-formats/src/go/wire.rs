//! Requests: lists, infos, go.mod files, zips, and uploads.

use super::{
    inspect,
    names::{Address, Module, Version, shown},
    render,
};
use crate::kit::{answer, archive, body, path::decode};
use assay_model::{
    Kind, Problem,
    seam::format::{Document, Expect, Reply, Repo, Request, Withdraw},
    view::VersionView,
};
use bytes::Bytes;
use http::Method;

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let path = decode(&request.path)?.into_owned();
    let address = Address::parse(&path)?;
    match (&request.method, address) {
        (&Method::GET | &Method::HEAD, Address::List(module)) => list(repo, &module).await,
        (&Method::GET | &Method::HEAD, Address::Latest(module)) => latest(repo, &module).await,
        (&Method::GET | &Method::HEAD, Address::Info(module, what)) => info(repo, &module, &what).await,
        (&Method::GET | &Method::HEAD, Address::Mod(module, version)) => go_mod(repo, &module, &version).await,
        (&Method::GET | &Method::HEAD, Address::Zip(module, version)) => file(repo, &module, &version, "zip").await,
        (&Method::GET | &Method::HEAD, Address::Database(name, rest)) => database(repo, &name, &rest).await,
        (&Method::PUT, Address::Zip(module, version)) => upload(repo, module, version, request).await,
        (&Method::DELETE, Address::Zip(module, version)) => delete(repo, &module, &version).await,
        (&Method::DELETE, Address::Info(module, version)) => delete(repo, &module, &Version::parse(&version)?).await,
        (_, Address::Zip(..)) => Ok(not_allowed("GET, HEAD, PUT, DELETE")),
        (_, Address::Info(..)) => Ok(not_allowed("GET, HEAD, DELETE")),
        _ => Ok(not_allowed("GET, HEAD")),
    }
}

fn not_allowed(allow: &str) -> Reply {
    answer::not_allowed(render::problem, allow, "a module zip is sent with PUT to MODULE/@v/VERSION.zip")
}

fn no_module(repo: &dyn Repo, module: &Module) -> Problem {
    Problem::not_found(format!("there is no module {} in repository {}", module.as_str(), repo.repository()))
}

fn no_version(repo: &dyn Repo, module: &Module, version: &str) -> Problem {
    let (module, repository) = (module.as_str(), repo.repository());
    Problem::not_found(format!("there is no version {} of {module} in repository {repository}", shown(version)))
}

/// What a checksum database says, where an upstream passes it on. `go` asks the database itself after 404.
async fn database(repo: &dyn Repo, name: &str, rest: &str) -> Result<Reply, Problem> {
    match repo.relay(name, &format!("sumdb/{name}/{rest}")).await? {
        Some(said) => Ok(Reply::Document(Document {
            media_type: if said.media_type.is_empty() { "text/plain".to_owned() } else { said.media_type },
            body: said.body,
            headers: Vec::new(),
        })),
        None => Err(Problem::not_found(format!("the checksum database `{}` is not passed on here", shown(name)))),
    }
}

async fn list(repo: &dyn Repo, module: &Module) -> Result<Reply, Problem> {
    let view = repo.view(module.as_str()).await?.ok_or_else(|| no_module(repo, module))?;
    Ok(Reply::Document(repo.rendered(&view, "list", &render::list)))
}

async fn latest(repo: &dyn Repo, module: &Module) -> Result<Reply, Problem> {
    let view = repo.view(module.as_str()).await?.ok_or_else(|| no_module(repo, module))?;
    let Some(version) = render::latest(&view) else {
        return Err(Problem::not_found(format!(
            "no version of {} may be had from repository {}: all are blocked",
            module.as_str(),
            repo.repository()
        )));
    };
    timed(repo, module, version).await
}

/// `.info` of a version that the view has. Where no time is known, the upstream's own document is asked for.
async fn timed(repo: &dyn Repo, module: &Module, version: &VersionView) -> Result<Reply, Problem> {
    let text = &version.package.at.version;
    let time = render::time(version);
    if time.is_none()
        && let Some(file) = repo.fetch(module.as_str(), &format!("{text}.info")).await?
    {
        return Ok(Reply::File { file, headers: Vec::new() });
    }
    Ok(Reply::Document(render::info(text, time)))
}

async fn info(repo: &dyn Repo, module: &Module, what: &str) -> Result<Reply, Problem> {
    let name = module.as_str();
    let view = repo.view(name).await?;
    let known = |text: &str| view.iter().flat_map(|view| &view.versions).find(|v| v.package.at.version == text);
    if let Some(version) = known(what) {
        return timed(repo, module, version).await;
    }
    let found = repo.find(name, what).await?.ok_or_else(|| no_version(repo, module, what))?;
    if let Some(version) = known(&found) {
        return timed(repo, module, version).await;
    }
    let version = Version::parse(&found)?;
    if let Some(time) = version.pseudo_time() {
        return Ok(Reply::Document(render::info(&found, Some(time))));
    }
    file(repo, module, &version, "info").await
}

/// The go.mod file: from what is kept with the version, blocked or not, else through the gate like any file.
async fn go_mod(repo: &dyn Repo, module: &Module, version: &Version) -> Result<Reply, Problem> {
    let view = repo.view(module.as_str()).await?;
    let mut versions = view.iter().flat_map(|view| &view.versions);
    let known = versions.find(|known| known.package.at.version == version.as_str());
    match known.and_then(render::go_mod) {
        Some(document) => Ok(Reply::Document(document)),
        None => file(repo, module, version, "mod").await,
    }
}

async fn file(repo: &dyn Repo, module: &Module, version: &Version, extension: &str) -> Result<Reply, Problem> {
    let path = format!("{}.{extension}", version.as_str());
    let found = repo.fetch(module.as_str(), &path).await?;
    let file = found.ok_or_else(|| no_version(repo, module, version.as_str()))?;
    Ok(Reply::File { file, headers: Vec::new() })
}

async fn upload(repo: &dyn Repo, module: Module, version: Version, request: Request) -> Result<Reply, Problem> {
    module.check(&version)?;
    if request.headers.contains_key("content-range") {
        return Err(Problem::new(Kind::Unsupported, "partial-put", "a zip is sent whole; leave out Content-Range"));
    }
    let name = module.as_str();
    let expect = Expect { at_most: Some(inspect::ZIP), ..Expect::default() };
    let staged = repo.stage(name, request.body, expect).await?;
    let stored = repo.file(name, &format!("{}.zip", version.as_str())).await?;
    if stored.is_some_and(|stored| stored.digest != staged.digest) {
        return Err(Problem::new(
            Kind::Conflict,
            "version-exists",
            format!("{name}@{} exists already with other content; give the module a new version", version.as_str()),
        ));
    }
    let mut bytes = repo.read(&staged).await?;
    let (wanted, place) = (version.clone(), module.clone());
    let reading = move || inspect::read(&place, &wanted, bytes.as_mut());
    let content = archive::apart("reading the module zip", reading).await?;
    content.agree(&module, &version)?;
    let apart = match content.is_apart() {
        true => {
            let text = Bytes::from(content.go_mod.clone());
            Some(repo.stage(name, body::of(text), Expect::default()).await?)
        }
        false => None,
    };
    let receipt = repo.publish(inspect::claim(&module, &version, &content, staged, apart)).await?;
    Ok(Reply::Answer(render::stored(name, version.as_str(), &content, receipt.created)))
}

async fn delete(repo: &dyn Repo, module: &Module, version: &Version) -> Result<Reply, Problem> {
    let what = Withdraw::Version { name: module.as_str().to_owned(), version: version.as_str().to_owned() };
    match repo.withdraw(what).await? {
        true => Ok(answer::empty(204, Vec::new())),
        false => Err(no_version(repo, module, version.as_str())),
    }
}
