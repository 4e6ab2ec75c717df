//! Style sheet, script and icon: compiled in, addressed by their content, kept by browsers for a year.

use super::{WebReply, WebRequest, reply};
use assay_model::digest::Digest;
use bytes::Bytes;
use std::sync::LazyLock;

/// A file with its address.
pub(super) struct Asset {
    /// Path on this server.
    pub(super) href: String,
    name: String,
    tag: String,
    media_type: &'static str,
    body: &'static [u8],
}

/// Files of all pages.
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) icon: Asset,
}

/// The files.
pub(super) static ALL: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: asset("assay", "css", "text/css; charset=utf-8", include_bytes!("../../static/assay.css")),
    script: asset("assay", "js", "text/javascript; charset=utf-8", include_bytes!("../../static/assay.js")),
    icon: asset("icon", "svg", "image/svg+xml", include_bytes!("../../static/icon.svg")),
});

fn asset(stem: &str, extension: &str, media_type: &'static str, body: &'static [u8]) -> Asset {
    let digest = Digest::of(body);
    let short: String = digest.hex().chars().take(16).collect();
    let name = format!("{stem}-{short}.{extension}");
    Asset { href: format!("/ui/static/{name}"), name, tag: format!("\"{short}\""), media_type, body }
}

/// Answers with a file. Another version's address is not found: a page and its files always fit together.
pub(super) fn serve(request: &WebRequest, name: &str) -> WebReply {
    let all = &*ALL;
    let Some(asset) = [&all.style, &all.script, &all.icon].into_iter().find(|a| a.name == name) else {
        return reply::plain(404, "there is no such file");
    };
    let headers = vec![
        ("content-type", asset.media_type.to_owned()),
        ("cache-control", "public, max-age=31536000, immutable".to_owned()),
        ("etag", asset.tag.clone()),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    let known = request.headers.get_all(http::header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    let tags = known.flat_map(|v| v.split(',')).map(|t| t.trim().trim_start_matches("W/"));
    if tags.into_iter().any(|t| t == asset.tag || t == "*") {
        return WebReply { status: 304, headers, body: Bytes::new() };
    }
    WebReply { status: 200, headers, body: Bytes::from_static(asset.body) }
}
