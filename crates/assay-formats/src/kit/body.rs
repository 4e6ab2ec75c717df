//! Request bodies: bounded reading, looking at the first piece, and bodies made of bytes that we hold already.

use assay_model::{Kind, Problem, seam::ByteStream};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

/// The whole body, for the few small ones that must be understood.
///
/// # Errors
/// `TooLarge` beyond `limit` bytes; `Invalid` when the client breaks off.
pub(crate) async fn collect(mut body: ByteStream, limit: usize, what: &str) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(broken)?;
        if whole.len() + piece.len() > limit {
            return Err(Problem::new(
                Kind::TooLarge,
                "body-too-large",
                format!("{what} is larger than the {limit} bytes that are read of one"),
            ));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The same body, or nothing when it has no bytes.
///
/// # Errors
/// `Invalid` when the client breaks off before the first byte.
pub(crate) async fn non_empty(mut body: ByteStream) -> Result<Option<ByteStream>, Problem> {
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(broken)?;
        if !piece.is_empty() {
            return Ok(Some(Box::pin(stream::once(async { Ok(piece) }).chain(body))));
        }
    }
    Ok(None)
}

/// A body of these bytes.
pub(crate) fn of(bytes: Bytes) -> ByteStream {
    Box::pin(stream::once(async { Ok(bytes) }))
}

fn broken(error: std::io::Error) -> Problem {
    Problem::invalid("broken-body", format!("the request's body could not be read to its end: {error}"))
        .caused_by(error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{collect, non_empty, of};
    use assay_model::{Kind, seam::ByteStream};
    use bytes::Bytes;
    use futures_util::stream;

    fn pieces(texts: &[&'static str]) -> ByteStream {
        let items: Vec<_> = texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        Box::pin(stream::iter(items))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(collect(pieces(&["ab", "cd"]), 4, "x").await.unwrap(), "abcd");
        let error = collect(pieces(&["ab", "cde"]), 4, "the manifest").await.unwrap_err();
        assert_eq!(error.kind, Kind::TooLarge);
        assert!(error.message.starts_with("the manifest is larger than the 4 bytes"));
    }

    #[tokio::test]
    async fn an_empty_body_is_told_from_one_with_bytes() {
        assert!(non_empty(pieces(&["", ""])).await.unwrap().is_none());
        let body = non_empty(pieces(&["", "ab", "c"])).await.unwrap().unwrap();
        assert_eq!(collect(body, 9, "x").await.unwrap(), "abc");
        assert_eq!(collect(of(Bytes::from_static(b"z")), 9, "x").await.unwrap(), "z");
    }
}
