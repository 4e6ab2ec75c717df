//! The pages' edge: the caller from the header or the session cookie, small bodies only.

use super::{
    App,
    answer::{self, Reply, insert},
    auth,
};
use crate::web::{self, WebRequest};
use assay_model::{
    access::Caller,
    problem::{Kind, Problem},
};
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use std::sync::Arc;

const FORM_BYTES: usize = 64 << 10;

/// The caller of a page or of a reading endpoint: a stale cookie is as good as none.
pub(super) async fn reader(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    match (auth::caller(app, headers).await?, auth::cookie(headers)) {
        (Caller::Anonymous, Some(secret)) => Ok(app.engine.identify(&secret).await.unwrap_or(Caller::Anonymous)),
        (caller, _) => Ok(caller),
    }
}

pub(super) async fn handle(app: Arc<App>, request: Request<Body>) -> Reply {
    match page(&app, request).await {
        Ok(reply) => reply,
        Err(problem) => answer::problem(&problem),
    }
}

async fn page(app: &Arc<App>, request: Request<Body>) -> Result<Reply, Problem> {
    let caller = reader(app, request.headers()).await?;
    let base_url = app.base_url(request.headers().get(http::header::HOST));
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, FORM_BYTES)
        .await
        .map_err(|_| Problem::new(Kind::TooLarge, "too-large", "the form is too large"))?;
    let path = parts.uri.path().strip_prefix("/ui").filter(|p| !p.is_empty()).unwrap_or("/").to_owned();
    let given = web::handle(
        &app.engine,
        WebRequest {
            method: parts.method,
            path,
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            caller,
            base_url,
        },
    )
    .await;
    let mut reply = http::Response::new(Body::from(given.body));
    *reply.status_mut() = StatusCode::from_u16(given.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in given.headers {
        insert(reply.headers_mut(), name, &value);
    }
    Ok(reply)
}
