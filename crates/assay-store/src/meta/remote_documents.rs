//! What upstreams said under their addresses, compressed.

use super::{Session, pack, unpack};
use crate::sql::{R, Value, clean, first, value, value::json, value::params};
use assay_model::{
    Digest, Problem,
    seam::meta::{DocumentKey, KeptDocument, RemoteDocuments},
    upstream::UpstreamId,
};
use jiff::Timestamp;

fn hash(key: &DocumentKey<'_>) -> String {
    Digest::of(format!("{}\0{}", key.address, key.accept).as_bytes()).hex().to_owned()
}

impl RemoteDocuments for Session<'_> {
    fn remote_document(&mut self, key: &DocumentKey<'_>) -> R<Option<KeptDocument>> {
        // primary key
        let row = first(
            self.sql,
            "SELECT status, etag, last_modified, media_type, headers, fetched_at, checked_at, body FROM remote_document
             WHERE upstream = $1 AND key = $2",
            &params![key.upstream, hash(key)],
        )?;
        row.map(|mut r| {
            Ok(KeptDocument {
                status: u16::try_from(r.int()?).map_err(|_| Problem::bug("a status outside 16 bits"))?,
                etag: r.text_or_null()?,
                last_modified: r.text_or_null()?,
                media_type: r.text()?,
                headers: r.json()?,
                fetched_at: r.time()?,
                checked_at: r.time()?,
                body: unpack(&r.bytes()?)?.into(),
            })
        })
        .transpose()
    }

    fn put_remote_document(&mut self, key: &DocumentKey<'_>, document: &KeptDocument) -> R<()> {
        self.require_upstream(key.upstream)?;
        let body = pack(&document.body)?;
        let word = |text: &Option<String>| Value::from(text.as_deref().map(|t| clean(t).into_owned()));
        self.sql.execute(
            "INSERT INTO remote_document (upstream, key, address, status, etag, last_modified, media_type, headers,
               fetched_at, checked_at, packed, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (upstream, key) DO UPDATE SET status = excluded.status, etag = excluded.etag,
               last_modified = excluded.last_modified, media_type = excluded.media_type, headers = excluded.headers,
               fetched_at = excluded.fetched_at, checked_at = excluded.checked_at, packed = excluded.packed,
               body = excluded.body",
            &[
                key.upstream.into(),
                hash(key).into(),
                clean(key.address).into_owned().into(),
                i64::from(document.status).into(),
                word(&document.etag),
                word(&document.last_modified),
                clean(&document.media_type).into_owned().into(),
                json(&document.headers)?,
                document.fetched_at.into(),
                document.checked_at.into(),
                value::size(body.len() as u64)?,
                body.into(),
            ],
        )?;
        Ok(())
    }

    fn touch_remote_document(&mut self, key: &DocumentKey<'_>, checked_at: Timestamp) -> R<bool> {
        // primary key
        let touched = self.sql.execute(
            "UPDATE remote_document SET checked_at = $3 WHERE upstream = $1 AND key = $2",
            &params![key.upstream, hash(key), checked_at],
        )?;
        Ok(touched > 0)
    }

    fn forget_remote_documents(&mut self, upstream: UpstreamId) -> R<u64> {
        // primary key, its first column
        self.sql.execute("DELETE FROM remote_document WHERE upstream = $1", &params![upstream])
    }

    fn evict_remote_documents(&mut self, count: usize, bytes: u64) -> R<u64> {
        // remote_document_by_age, which has all that is read of those that stay
        self.sql.execute(
            "DELETE FROM remote_document WHERE (upstream, key) IN (
               SELECT upstream, key FROM (
                 SELECT upstream, key, ROW_NUMBER() OVER newest AS place, CAST(SUM(packed) OVER newest AS BIGINT) AS total
                 FROM remote_document
                 WINDOW newest AS (ORDER BY checked_at DESC, upstream, key ROWS UNBOUNDED PRECEDING)
               ) ranked WHERE place > CAST($1 AS BIGINT) OR total > CAST($2 AS BIGINT))",
            &[value::limit(count), value::limit(usize::try_from(bytes).unwrap_or(usize::MAX))],
        )
    }
}
