//! Every route there is, on one screen. The dispatcher checks a route's guard before its handler runs, so that a handler
//! cannot forget to; a test walks this table and fails on a route that answers strangers.

use super::{
    App,
    answer::{self, Reply},
    api, auth, formats, pages,
};
use assay_model::{
    access::{Caller, Permission},
    problem::{Kind, Problem},
};
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

const BODY_BYTES: usize = 2 << 20;

/// Who may pass before the handler runs. Handlers then ask the engine, which checks the repository at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Anyone.
    Public,
    /// Whoever may read at least one repository.
    Reader,
    /// Whoever may write to at least one repository.
    Writer,
    /// An administrator of the whole workspace.
    Admin,
}

/// A request that passed its guard.
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) params: BTreeMap<&'static str, String>,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    body: Option<Body>,
}

impl Call {
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map(String::as_str).unwrap_or_default()
    }
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        axum::extract::Query::<T>::try_from_uri(
            &format!("/?{}", self.query.as_deref().unwrap_or_default())
                .parse()
                .map_err(|_| Problem::invalid("bad-query", "the query string cannot be read"))?,
        )
        .map(|q| q.0)
        .map_err(|e| Problem::invalid("bad-query", e.body_text()))
    }
    pub(super) async fn bytes(&mut self, most: usize) -> Result<bytes::Bytes, Problem> {
        let body = self.body.take().ok_or_else(|| Problem::bug("the body was read already"))?;
        axum::body::to_bytes(body, most)
            .await
            .map_err(|_| Problem::new(Kind::TooLarge, "too-large", "the request body is too large"))
    }
    /// The body as it comes, for what may be large.
    pub(super) fn stream(&mut self) -> Result<axum::body::BodyDataStream, Problem> {
        self.body.take().map(Body::into_data_stream).ok_or_else(|| Problem::bug("the body was read already"))
    }
    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        let bytes = self.bytes(BODY_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(|e| Problem::invalid("bad-json", format!("the body does not fit: {e}")))
    }
}

type Answered = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    /// Segments; those in braces are parameters.
    pub(super) path: &'static str,
    pub(super) guard: Guard,
    handler: Box<dyn Fn(Arc<App>, Call) -> Answered + Send + Sync>,
}

fn on<F, R>(method: Method, path: &'static str, guard: Guard, handler: F) -> Route
where
    F: Fn(Arc<App>, Call) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    Route { method, path, guard, handler: Box::new(move |app, call| Box::pin(handler(app, call))) }
}

/// All routes apart from those of formats (gated by the engine's desk) and pages (which filter by caller).
pub(super) static ROUTES: std::sync::LazyLock<Vec<Route>> = std::sync::LazyLock::new(|| {
    use Guard::{Admin, Public, Reader, Writer};
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    vec![
        on(get.clone(), "/healthz", Public, api::operations::health),
        on(get.clone(), "/readyz", Public, api::operations::ready),
        on(get.clone(), "/metrics", Admin, api::operations::metrics),
        on(get.clone(), "/auth/token", Public, api::operations::flow_token),
        on(get.clone(), "/api/version", Reader, api::boms::version),
        on(Method::PUT, "/api/v1/bom", Writer, api::boms::put),
        on(post.clone(), "/api/v1/bom", Writer, api::boms::post),
        on(get.clone(), "/api/v1/bom/token/{uuid}", Reader, api::boms::processing),
        on(get.clone(), "/api/v1/event/token/{uuid}", Reader, api::boms::processing),
        on(get.clone(), "/api/v1/project", Reader, api::boms::list),
        on(Method::PUT, "/api/v1/project", Writer, api::boms::create),
        on(get.clone(), "/api/v1/project/lookup", Reader, api::boms::lookup),
        on(get.clone(), "/api/v1/project/{uuid}", Reader, api::boms::show),
        on(get.clone(), "/api/v1/finding/project/{uuid}", Reader, api::boms::findings),
        on(get.clone(), "/api/v1/violation/project/{uuid}", Reader, api::boms::violations),
        on(get.clone(), "/api/v1/status", Admin, api::operations::status),
        on(get.clone(), "/api/v1/jobs/dead", Admin, api::operations::dead_jobs),
        on(post.clone(), "/api/v1/jobs/retry", Admin, api::operations::retry_jobs),
        on(get.clone(), "/api/v1/repositories", Reader, api::repositories::list),
        on(post.clone(), "/api/v1/repositories", Admin, api::repositories::create),
        on(patch.clone(), "/api/v1/repositories/{name}", Reader, api::repositories::update),
        on(get.clone(), "/api/v1/repositories/{name}/upstreams", Reader, api::upstreams::list),
        on(post.clone(), "/api/v1/repositories/{name}/upstreams", Reader, api::upstreams::create),
        on(get.clone(), "/api/v1/repositories/{name}/upstreams/{upstream}", Reader, api::upstreams::show),
        on(patch.clone(), "/api/v1/repositories/{name}/upstreams/{upstream}", Reader, api::upstreams::update),
        on(delete.clone(), "/api/v1/repositories/{name}/upstreams/{upstream}", Reader, api::upstreams::remove),
        on(post.clone(), "/api/v1/repositories/{name}/upstreams/{upstream}/check", Reader, api::upstreams::check),
        on(post.clone(), "/api/v1/repositories/{name}/upstreams/{upstream}/unpin", Reader, api::upstreams::unpin),
        on(get.clone(), "/api/v1/repositories/{name}/imports", Reader, api::imports::list),
        on(post.clone(), "/api/v1/repositories/{name}/imports", Reader, api::imports::start),
        on(get.clone(), "/api/v1/repositories/{name}/imports/{import}", Reader, api::imports::show),
        on(delete.clone(), "/api/v1/repositories/{name}/imports/{import}", Reader, api::imports::cancel),
        on(get.clone(), "/api/v1/packages", Reader, api::packages::list),
        on(get.clone(), "/api/v1/packages/find", Reader, api::packages::find),
        on(get.clone(), "/api/v1/packages/{id}", Reader, api::packages::show),
        on(get.clone(), "/api/v1/packages/{id}/input", Reader, api::packages::input),
        on(get.clone(), "/api/v1/packages/{id}/sbom", Reader, api::packages::sbom),
        on(get.clone(), "/api/v1/packages/{id}/scan", Reader, api::packages::scan),
        on(delete.clone(), "/api/v1/packages/{id}", Writer, api::packages::remove),
        on(post.clone(), "/api/v1/packages/{id}/promote", Writer, api::packages::promote),
        on(get.clone(), "/api/v1/channels", Admin, api::channels::list),
        on(post.clone(), "/api/v1/channels", Admin, api::channels::create),
        on(get.clone(), "/api/v1/channels/{name}", Admin, api::channels::show),
        on(patch.clone(), "/api/v1/channels/{name}", Admin, api::channels::update),
        on(delete.clone(), "/api/v1/channels/{name}", Admin, api::channels::remove),
        on(post.clone(), "/api/v1/channels/{name}/test", Admin, api::channels::test),
        on(post.clone(), "/api/v1/channels/{name}/pause", Admin, api::channels::pause),
        on(post.clone(), "/api/v1/channels/{name}/resume", Admin, api::channels::resume),
        on(get.clone(), "/api/v1/channels/{name}/deliveries", Admin, api::channels::deliveries),
        on(post.clone(), "/api/v1/channels/{name}/redeliver", Admin, api::channels::redeliver_failed),
        on(post.clone(), "/api/v1/channels/{name}/deliveries/{id}/redeliver", Admin, api::channels::redeliver),
        on(get.clone(), "/api/v1/overrides", Reader, api::overrides::list),
        on(post.clone(), "/api/v1/packages/{id}/override", Writer, api::overrides::set),
        on(delete.clone(), "/api/v1/packages/{id}/override", Writer, api::overrides::end),
        on(post.clone(), "/api/v1/packages/{id}/tags", Writer, api::overrides::tags),
        on(post.clone(), "/api/v1/packages/{id}/license", Writer, api::overrides::license),
        on(delete.clone(), "/api/v1/packages/{id}/license", Writer, api::overrides::declared_license),
        on(get.clone(), "/api/v1/approvals", Reader, api::overrides::approvals),
        on(post.clone(), "/api/v1/packages/{id}/approval", Writer, api::overrides::answer),
        on(get.clone(), "/api/v1/repositories/{name}/retention", Reader, api::storage::preview),
        on(post.clone(), "/api/v1/repositories/{name}/retention", Writer, api::storage::retain),
        on(get.clone(), "/api/v1/trash", Reader, api::trash::list),
        on(post.clone(), "/api/v1/trash/restore", Writer, api::trash::restore),
        on(post.clone(), "/api/v1/trash/purge", Writer, api::trash::purge),
        on(get.clone(), "/api/v1/gc", Admin, api::storage::collection),
        on(post.clone(), "/api/v1/gc", Admin, api::storage::collect),
        on(delete.clone(), "/api/v1/gc", Admin, api::storage::stop),
        on(get.clone(), "/api/v1/packages/{id}/explain", Reader, api::decisions::explain),
        on(get.clone(), "/api/v1/decisions", Reader, api::decisions::list),
        on(post.clone(), "/api/v1/decisions/replay", Admin, api::decisions::replay),
        on(get.clone(), "/api/v1/decisions/{id}", Reader, api::decisions::show),
        on(get.clone(), "/api/v1/decisions/{id}/input", Reader, api::decisions::input),
        on(get.clone(), "/api/v1/policies", Reader, api::policies::list),
        on(post.clone(), "/api/v1/policies", Admin, api::policies::save),
        on(post.clone(), "/api/v1/policies/validate", Reader, api::policies::validate),
        on(get.clone(), "/api/v1/policies/schema/{version}", Reader, api::policies::schema),
        on(get.clone(), "/api/v1/policies/library", Reader, api::library::list),
        on(get.clone(), "/api/v1/policies/library/{name}", Reader, api::library::show),
        on(post.clone(), "/api/v1/policies/library/{name}", Admin, api::library::install),
        on(get.clone(), "/api/v1/policies/{slug}", Reader, api::policies::show),
        on(delete.clone(), "/api/v1/policies/{slug}", Admin, api::policies::remove),
        on(post.clone(), "/api/v1/policies/simulate", Admin, api::simulations::simulate),
        on(post.clone(), "/api/v1/policies/backtest", Admin, api::simulations::backtest),
        on(get.clone(), "/api/v1/simulations", Admin, api::simulations::list),
        on(get.clone(), "/api/v1/simulations/{id}", Admin, api::simulations::show),
        on(get.clone(), "/api/v1/waivers", Reader, api::waivers::list),
        on(post.clone(), "/api/v1/waivers", Writer, api::waivers::create),
        on(get.clone(), "/api/v1/waivers/rules", Reader, api::waivers::rules),
        on(post.clone(), "/api/v1/waivers/rules", Admin, api::waivers::set_rules),
        on(get.clone(), "/api/v1/waivers/{id}", Reader, api::waivers::show),
        on(get.clone(), "/api/v1/waivers/{id}/uses", Reader, api::waivers::uses),
        on(post.clone(), "/api/v1/waivers/{id}/approve", Admin, api::waivers::approve),
        on(post.clone(), "/api/v1/waivers/{id}/refuse", Admin, api::waivers::refuse),
        on(post.clone(), "/api/v1/waivers/{id}/revoke", Writer, api::waivers::revoke),
        on(post.clone(), "/api/v1/waivers/{id}/extend", Admin, api::waivers::extend),
        on(get.clone(), "/api/v1/trust", Reader, api::trust::list),
        on(post.clone(), "/api/v1/trust", Admin, api::trust::put),
        on(delete.clone(), "/api/v1/trust/{name}", Admin, api::trust::remove),
        on(post.clone(), "/api/v1/waivers/{id}/replace", Writer, api::waivers::replace),
        on(get.clone(), "/api/v1/vex", Reader, api::vex::list),
        on(post.clone(), "/api/v1/vex", Admin, api::vex::add),
        on(get.clone(), "/api/v1/vex/trust", Reader, api::vex::trust),
        on(post.clone(), "/api/v1/vex/trust", Admin, api::vex::set_trust),
        on(get.clone(), "/api/v1/vex/export", Reader, api::vex::export),
        on(get.clone(), "/api/v1/vex/{id}", Reader, api::vex::show),
        on(get.clone(), "/api/v1/vex/{id}/applied", Reader, api::vex::applied),
        on(delete.clone(), "/api/v1/vex/{id}", Admin, api::vex::remove),
        on(get.clone(), "/api/v1/events", Reader, api::events::list),
        on(get.clone(), "/api/v1/events/verify", Admin, api::events::verify),
        on(get.clone(), "/api/v1/tokens", Admin, api::tokens::list),
        on(post.clone(), "/api/v1/tokens", Admin, api::tokens::create),
        on(delete, "/api/v1/tokens/{id}", Admin, api::tokens::revoke),
        on(get.clone(), "/api/v1/feeds/bundle", Admin, api::bundles::export),
        on(post.clone(), "/api/v1/feeds/bundle", Admin, api::bundles::import),
        on(get.clone(), "/api/v1/feeds/keys", Admin, api::bundles::keys),
        on(post.clone(), "/api/v1/feeds/keys", Admin, api::bundles::trust),
        on(get, "/api/v1/feeds", Admin, api::feeds::list),
        on(post.clone(), "/api/v1/feeds/sync", Admin, api::feeds::sync),
        on(post, "/api/v1/feeds/{source}/sync", Admin, api::feeds::sync_one),
    ]
});

/// Parameters of `path` under a pattern, where it fits.
fn fits(pattern: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let mut params = BTreeMap::new();
    let mut given = path.split('/');
    for segment in pattern.split('/') {
        let here = given.next()?;
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) if !here.is_empty() => {
                let decoded = percent_encoding::percent_decode_str(here).decode_utf8().ok()?;
                params.insert(name, decoded.into_owned());
            }
            Some(_) => return None,
            None if segment == here => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(params)
}

/// Answers one request.
pub(super) async fn dispatch(app: Arc<App>, request: Request<Body>) -> Reply {
    let path = request.uri().path().to_owned();
    if let Some((format, rest)) = formats::find(&app, &path) {
        return formats::handle(app, format, rest, request).await;
    }
    if path == "/" {
        let mut reply = answer::plain(StatusCode::SEE_OTHER, "text/plain", "see /ui/\n");
        answer::insert(reply.headers_mut(), "location", "/ui/");
        return reply;
    }
    if path == "/ui" || path.starts_with("/ui/") {
        return pages::handle(app, request).await;
    }
    api_call(app, &path, request).await
}

async fn api_call(app: Arc<App>, path: &str, request: Request<Body>) -> Reply {
    let mut known_path = false;
    for route in ROUTES.iter() {
        let Some(params) = fits(route.path, path) else { continue };
        known_path = true;
        let head_of_get = request.method() == Method::HEAD && route.method == Method::GET;
        if route.method != *request.method() && !head_of_get {
            continue;
        }
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().map(str::to_owned);
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let caller = match pass(&app, route.guard, &parts.headers, reads).await {
            Ok(caller) => caller,
            Err(problem) => return answer::problem(&problem),
        };
        let call = Call { caller, params, query, headers: parts.headers, body: Some(body) };
        let mut reply = (route.handler)(app, call).await.unwrap_or_else(|p| answer::problem(&p));
        if head_of_get {
            *reply.body_mut() = Body::empty();
        }
        return reply;
    }
    if known_path {
        return answer::plain(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "this method is not supported here\n");
    }
    formats::unknown(&app)
}

async fn pass(app: &App, guard: Guard, headers: &HeaderMap, reads: bool) -> Result<Caller, Problem> {
    // The cookie counts only where nothing is changed, so that no other site can make a browser change anything.
    let caller = if reads { pages::reader(app, headers).await } else { auth::caller(app, headers).await };
    match guard {
        Guard::Public => Ok(caller.unwrap_or(Caller::Anonymous)),
        Guard::Reader => {
            let caller = caller?;
            let may = match caller {
                Caller::Anonymous => !app.engine.readable_repositories(&caller).await?.is_empty(),
                _ => true,
            };
            if may {
                Ok(caller)
            } else {
                Err(Problem::new(Kind::Unauthenticated, "unauthenticated", "authentication required"))
            }
        }
        Guard::Writer => {
            let caller = caller?;
            let places = app.engine.readable_repositories(&caller).await?;
            match places.iter().map(|place| caller.require(Permission::Write, place)).find(Result::is_ok) {
                Some(_) => Ok(caller),
                None => Err(caller.denied(Permission::Write, "any repository")),
            }
        }
        Guard::Admin => {
            let caller = caller?;
            caller.require_everywhere(Permission::Admin)?;
            Ok(caller)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{
        config::{Config, Flags},
        wiring,
    };
    use assay_model::repository::Settings;

    #[test]
    fn patterns_fit_whole_segments() {
        assert_eq!(fits("/a/{x}/b", "/a/1%2F2/b").and_then(|p| p.get("x").cloned()).as_deref(), Some("1/2"));
        for wrong in ["/a//b", "/a/1/b/", "/a/1", "/a/1/c", "a/1/b"] {
            assert!(fits("/a/{x}/b", wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_reference_page_names_every_route() {
        let page = include_str!("../../../../docs/api.md");
        for route in ROUTES.iter() {
            assert!(page.contains(&format!("{} `{}`", route.method, route.path)), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn only_health_and_the_token_flow_are_public() {
        let public: Vec<&str> = ROUTES.iter().filter(|r| r.guard == Guard::Public).map(|r| r.path).collect();
        assert_eq!(public, ["/healthz", "/readyz", "/auth/token"]);
    }

    async fn app(data: &std::path::Path) -> Arc<App> {
        let flags = Flags { data: Some(data.to_owned()), ..Flags::default() };
        let config = Config::load(&flags).unwrap();
        let engine = wiring::engine(&config).await.unwrap();
        engine.create_repository(&Caller::System, "main", Settings::default()).await.unwrap();
        App::new(engine, &config).await.unwrap()
    }

    async fn ask(app: &Arc<App>, method: &Method, path: &str, credentials: Option<&str>) -> Reply {
        let mut request = Request::builder().method(method.clone()).uri(path);
        if let Some(credentials) = credentials {
            request = request.header("authorization", format!("Bearer {credentials}"));
        }
        dispatch(app.clone(), request.body(Body::from("{}")).unwrap()).await
    }

    /// Methods and paths that clients of any format might try, in every position of a path.
    fn client_requests(app: &App) -> Vec<(Method, String)> {
        let methods = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
        let rests = [
            "",
            "x",
            "x/",
            "simple/",
            "simple/x/",
            "legacy/",
            "files/x/y.whl",
            "x/manifests/1",
            "x/tags/list",
            "x/blobs/uploads/",
            "x/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "a/b/c.bin",
            "-/user/org.couchdb.user:x",
            "-/user/org.couchdb.user%3ax",
            "-/whoami",
            "-/ping",
            "-/v1/search?text=x",
            "-/npm/v1/security/advisories/bulk",
            "-/package/x/dist-tags/latest",
            "@s%2fx",
            "@s/x/-/x-1.0.0.tgz",
            "x/-/x-1.0.0.tgz/-rev/1",
        ];
        let mut all = Vec::new();
        for format in app.engine.formats() {
            for method in &methods {
                for rest in rests {
                    all.push((method.clone(), format!("/{}/main/{rest}", format.spec().prefix)));
                    all.push((method.clone(), format!("/{}/other/{rest}", format.spec().prefix)));
                }
            }
        }
        all
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_route_answers_a_stranger() {
        let data = tempfile::tempdir().unwrap();
        let app = app(data.path()).await;
        for route in ROUTES.iter().filter(|r| r.guard != Guard::Public) {
            let path = route
                .path
                .replace("{id}", "1")
                .replace("{name}", "main")
                .replace("{slug}", "x")
                .replace("{import}", "1")
                .replace("{upstream}", "x");
            for credentials in [None, Some("assay_000000000000_wrong"), Some("assayflow.e30.AAAA")] {
                let reply = ask(&app, &route.method, &path, credentials).await;
                assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{} {path} {credentials:?}", route.method);
                assert!(reply.headers().contains_key("www-authenticate"), "{path}");
            }
        }
        for (method, path) in client_requests(&app) {
            let reply = ask(&app, &method, &path, None).await;
            assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            assert!(reply.headers().contains_key("www-authenticate"), "{method} {path}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reading_token_changes_nothing_and_sees_only_its_repository() {
        let data = tempfile::tempdir().unwrap();
        let app = app(data.path()).await;
        let system = Caller::System;
        app.engine.create_repository(&system, "other", Settings::default()).await.unwrap();
        let only_main = vec!["main".to_owned()];
        let token = app.engine.issue_token(&system, "ci", Permission::Read, only_main, None).await.unwrap().secret;
        for route in ROUTES.iter().filter(|r| r.guard == Guard::Admin || r.method != Method::GET) {
            let path = route
                .path
                .replace("{id}", "1")
                .replace("{name}", "main")
                .replace("{slug}", "x")
                .replace("{import}", "1")
                .replace("{upstream}", "x");
            let status = ask(&app, &route.method, &path, Some(&token)).await.status();
            assert!(status == StatusCode::FORBIDDEN, "{} {path}: {status}", route.method);
        }
        for (method, path) in client_requests(&app) {
            let status = ask(&app, &method, &path, Some(&token)).await.status();
            let reads = matches!(method, Method::GET | Method::HEAD);
            if path.contains("/other/") {
                // a login proves itself by its body, and this one has no secret in it
                let login = method == Method::PUT && path.starts_with("/npm/") && path.contains("/-/user/");
                let refused = if login { 401 } else { 403 };
                assert_eq!(status, refused, "{method} {path}");
            } else if !reads && !path.contains("/-/npm/v1/security/") {
                // an audit is asked with a body and changes nothing
                assert!(status.is_client_error(), "{method} {path}: {status}");
            }
        }
        let events = meta_events(&app).await;
        assert!(events.iter().all(|kind| !kind.starts_with("package.")), "{events:?}");
    }

    async fn meta_events(app: &App) -> Vec<String> {
        let filter = assay_model::seam::meta::EventFilter { limit: 100, ..Default::default() };
        let events = app.engine.events(&Caller::System, filter).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}
