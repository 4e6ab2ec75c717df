//! Requests: the routes of the distribution specification, and the two that name no repository.

mod blobs;
mod lists;
mod manifests;

use super::{
    SPEC,
    names::{Route, What},
    render,
};
use crate::kit::path::{Query, encode_segment};
use assay_model::{
    Kind, Problem,
    seam::{
        ByteStream,
        format::{Lobby, Reply, Repo, Request},
    },
};
use http::{HeaderMap, Method};

/// A request whose route is known.
struct Call<'a> {
    repo: &'a dyn Repo,
    /// The image's name below the repository.
    name: String,
    query: Query,
    headers: HeaderMap,
}

impl Call<'_> {
    /// A path of this image on this server. Relative to the host, so that it holds behind any proxy.
    fn location(&self, rest: &str) -> String {
        format!("/{}/{}/{}/{rest}", SPEC.prefix, encode_segment(self.repo.repository()), self.name)
    }
    /// The image's name as clients know it.
    fn full_name(&self) -> String {
        format!("{}/{}", self.repo.repository(), self.name)
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(super) async fn handle(repo: &dyn Repo, request: Request) -> Result<Reply, Problem> {
    let Route { name, what } = Route::parse(&request.path)?;
    let call = Call { repo, name, query: Query::parse(request.query.as_deref()), headers: request.headers };
    route(&call, what, request.method, request.body).await.map(render::stamped)
}

async fn route(call: &Call<'_>, what: What, method: Method, body: ByteStream) -> Result<Reply, Problem> {
    let reading = matches!(method, Method::GET | Method::HEAD);
    match (what, method) {
        (What::Manifest(pointer), _) if reading => manifests::get(call, &pointer).await,
        (What::Manifest(pointer), Method::PUT) => manifests::put(call, pointer, body).await,
        (What::Manifest(pointer), Method::DELETE) => manifests::delete(call, pointer).await,
        (What::Blob(digest), _) if reading => blobs::get(call, &digest).await,
        (What::Blob(digest), Method::DELETE) => blobs::delete(call, digest).await,
        (What::Uploads, Method::POST) => blobs::start(call, body).await,
        (What::Upload(session), _) if reading => blobs::status(call, &session).await,
        (What::Upload(session), Method::PATCH) => blobs::patch(call, &session, body).await,
        (What::Upload(session), Method::PUT) => blobs::finish(call, &session, body).await,
        (What::Upload(session), Method::DELETE) => blobs::cancel(call, &session).await,
        (What::Tags, _) if reading => lists::tags(call).await,
        (What::Referrers(digest), _) if reading => lists::referrers(call, &digest).await,
        (_, method) => Err(Problem::new(
            Kind::Unsupported,
            "unsupported",
            format!("{method} does nothing at this address of the distribution API"),
        )),
    }
}

/// `/v2/` and the catalogue.
pub(super) async fn lobby(
    lobby: &dyn Lobby,
    method: Method,
    path: String,
    query: Option<String>,
) -> Result<Reply, Problem> {
    lobby.enter()?;
    let reading = matches!(method, Method::GET | Method::HEAD);
    match path.as_str() {
        "" if reading => Ok(render::stamped(render::pong())),
        "_catalog" if reading => lists::catalog(lobby, &Query::parse(query.as_deref())).await.map(render::stamped),
        "" | "_catalog" => Err(Problem::new(Kind::Unsupported, "unsupported", "this address is read-only")),
        _ => Err(Problem::invalid(
            "name-invalid",
            "an image needs a repository and a name of its own: use <repository>/<image>",
        )),
    }
}
