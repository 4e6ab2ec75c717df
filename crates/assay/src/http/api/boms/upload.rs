//! Documents come in as base64 in JSON (`PUT`) or as a part of a form (`POST`); the token that they get says whether their
//! package is still being taken apart and decided.

use super::{
    Answer, App, Call, no_project,
    project::{self, NamedParent, Project, Tags},
    ticket, worded,
};
use assay_engine::TagEdit;
use assay_formats::bom::{DOCUMENT, FORMAT, address};
use assay_model::{
    access::Caller,
    package::State,
    problem::{Kind, Problem},
    seam::{
        ByteStream,
        format::{Format as _, Request},
        meta,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Bytes of a request: the document as base64 in quotes, and what stands around it.
const BODY: usize = (DOCUMENT as usize / 3 * 4) + (256 << 10);

/// What an uploader says of a document. Fields that are of no use here are passed over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Upload {
    project: Option<String>,
    project_name: Option<String>,
    project_version: Option<String>,
    auto_create: bool,
    project_tags: Tags,
    is_latest: bool,
    /// What older uploaders call it.
    is_latest_project_version: bool,
    #[serde(rename = "parentUUID")]
    parent_uuid: Option<String>,
    parent_name: Option<String>,
    parent_version: Option<String>,
    bom: String,
}

pub(in crate::http) async fn put(app: Arc<App>, mut call: Call) -> Answer {
    let outcome = async move {
        let body = call.bytes(BODY).await?;
        let upload: Upload = serde_json::from_slice(&body)
            .map_err(|e| Problem::invalid("bad-json", format!("the body does not fit: {e}")))?;
        let text: String = upload.bom.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let document =
            STANDARD.decode(text).map_err(|e| Problem::invalid("bad-bom", format!("`bom` is no base64: {e}")))?;
        take(&app, &call.caller, upload, document.into()).await
    };
    worded(outcome.await)
}

pub(in crate::http) async fn post(app: Arc<App>, mut call: Call) -> Answer {
    let outcome = async move {
        let (upload, document) = form(&mut call).await?;
        take(&app, &call.caller, upload, document).await
    };
    worded(outcome.await)
}

async fn form(call: &mut Call) -> Result<(Upload, Bytes), Problem> {
    let media_type = call.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(media_type.unwrap_or_default()).map_err(|_| {
        Problem::invalid("not-a-form", "expected a form: Content-Type: multipart/form-data with a boundary")
    })?;
    let body = call.bytes(BODY).await?;
    let stream = futures_util::stream::once(async { Ok::<_, std::io::Error>(body) });
    let mut parts = multer::Multipart::new(stream, boundary);
    let damaged = |e| Problem::invalid("bad-form", format!("the form cannot be read: {e}"));
    let (mut upload, mut document) = (Upload::default(), None);
    while let Some(part) = parts.next_field().await.map_err(damaged)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(damaged)?;
        let text = || String::from_utf8_lossy(&bytes).trim().to_owned();
        match name.as_str() {
            "project" => upload.project = Some(text()),
            "projectName" => upload.project_name = Some(text()),
            "projectVersion" => upload.project_version = Some(text()),
            "autoCreate" => upload.auto_create = text().eq_ignore_ascii_case("true"),
            "isLatest" | "isLatestProjectVersion" => upload.is_latest = text().eq_ignore_ascii_case("true"),
            "parentUUID" => upload.parent_uuid = Some(text()),
            "parentName" => upload.parent_name = Some(text()),
            "parentVersion" => upload.parent_version = Some(text()),
            "projectTags" => upload.project_tags = Tags::Text(text()),
            "bom" => document = Some(bytes),
            _ => {}
        }
    }
    let document = document.ok_or_else(|| Problem::invalid("bad-form", "the form has no part `bom`"))?;
    Ok((upload, document))
}

/// Sends the document on to its format.
async fn take(app: &Arc<App>, caller: &Caller, upload: Upload, document: Bytes) -> Answer {
    let mut tags = upload.project_tags.words()?;
    let mut named = match upload.project.as_deref().filter(|uuid| !uuid.is_empty()) {
        Some(uuid) => project::by_uuid(app, uuid).await?.ok_or_else(no_project)?,
        None => Project::new(upload.project_name.as_deref().unwrap_or_default(), upload.project_version.as_deref())?,
    };
    let desk = match upload.auto_create {
        true => project::desk_for_writing(app, caller).await?,
        false => project::desk(app, caller).await?.ok_or_else(no_project)?,
    };
    if !upload.auto_create && !named.exists(app, &desk).await? {
        return Err(no_project());
    }
    // As with these servers, a parent counts when the project is made, and later ones change nothing.
    if upload.auto_create && !named.exists(app, &desk).await? {
        let parent = NamedParent { uuid: upload.parent_uuid, name: upload.parent_name, version: upload.parent_version };
        named.parent = parent.find(app, &desk, &named).await?;
    }
    if named.package(&desk).await?.is_none() {
        let noted = project::by_uuid(app, &named.uuid(app)?).await?;
        tags.extend(noted.map(|project| project.tags).unwrap_or_default());
    }
    let body: ByteStream = Box::pin(futures_util::stream::once(async { Ok(document) }));
    let request = Request {
        method: Method::PUT,
        path: address(&named.name, &named.version),
        query: None,
        headers: http::HeaderMap::new(),
        body,
        base_url: String::new(),
    };
    FORMAT.handle(&desk, request).await?;
    named.note(app).await?;
    let package = named.package(&desk).await?;
    let package = package.ok_or_else(|| Problem::new(Kind::Busy, "busy", "the document was replaced meanwhile"))?;
    if !tags.is_empty() {
        app.engine.edit_tags(caller, package.id, TagEdit { add: tags, remove: BTreeSet::new() }).await?;
    }
    if upload.is_latest || upload.is_latest_project_version {
        named.note_latest(app).await?;
    }
    super::super::ok(&json!({"token": ticket::token(app, package.id)?}))
}

/// `GET /api/v1/bom/token/{uuid}` and `GET /api/v1/event/token/{uuid}`: a token that is none of ours stands for nothing that
/// is being worked on.
pub(in crate::http) async fn processing(app: Arc<App>, call: Call) -> Answer {
    let processing = match ticket::redeem(&app, call.param("uuid"))? {
        Some(id) => {
            let package = meta::read(app.engine.meta(), move |tx| Ok(tx.packages(&[id])?.pop())).await?;
            package.is_some_and(|package| package.state == State::Pending)
        }
        None => false,
    };
    super::super::ok(&json!({"processing": processing}))
}
