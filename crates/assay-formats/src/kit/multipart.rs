//! Multipart forms of any size: fields are read within bounds, a file part streams on without being held.
//!
//! The parser underneath takes all that its input has ready before it looks at any of it. The stream that it is given
//! here therefore says "not yet" whenever something new is asked of the parser, which then looks at what it holds, and
//! hands out one small piece only when it is asked again. It refuses to go on once the parts of the form that are not
//! the file have taken more than their share.

use assay_model::{Kind, Problem, seam::ByteStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header::CONTENT_TYPE};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

/// Bytes handed to the parser at once.
const PIECE: usize = 64 << 10;

/// Bytes of all fields, their headers and whatever stands between, the file apart.
const FORM: usize = 8 << 20;

/// Fields of one form; distributions with a thousand classifiers exist.
const FIELDS: usize = 4096;

/// A form that is being read.
pub(crate) struct Form {
    parts: multer::Multipart<'static>,
    reins: Arc<Reins>,
    seen: usize,
}

/// One part.
pub(crate) struct Part {
    field: multer::Field<'static>,
    reins: Arc<Reins>,
}

/// How the reader of a form holds its stream back.
#[derive(Default)]
struct Reins {
    /// The bytes that pass belong to the file.
    in_file: AtomicBool,
    /// The parser has looked at what it holds and needs more.
    wanted: AtomicBool,
}

impl Reins {
    /// Something new is asked of the parser.
    fn pull(&self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

impl Form {
    /// # Errors
    /// `Invalid` when the headers do not announce a form.
    pub(crate) fn new(headers: &HeaderMap, body: ByteStream) -> Result<Self, Problem> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(media_type).map_err(|_| {
            Problem::invalid("not-a-form", "expected a form: Content-Type: multipart/form-data with a boundary")
        })?;
        let reins = Arc::<Reins>::default();
        let calm = Calm { body, rest: Bytes::new(), form: 0, reins: Arc::clone(&reins) };
        Ok(Self { parts: multer::Multipart::new(calm, boundary), reins, seen: 0 })
    }

    /// The next part. The one before must have been read or dropped.
    ///
    /// # Errors
    /// `Invalid` for a damaged form, `TooLarge` for too many parts.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        self.reins.in_file.store(false, Ordering::Relaxed);
        self.reins.pull();
        let Some(field) = self.parts.next_field().await.map_err(damaged)? else { return Ok(None) };
        self.seen += 1;
        if self.seen > FIELDS {
            return Err(too_large(format!("the form has more than {FIELDS} fields")));
        }
        Ok(Some(Part { field, reins: Arc::clone(&self.reins) }))
    }
}

impl Part {
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The text of a field.
    ///
    /// # Errors
    /// `TooLarge` beyond `limit` bytes, `Invalid` when it is not UTF-8 or the form is damaged.
    pub(crate) async fn text(mut self, limit: usize) -> Result<String, Problem> {
        let name = self.name().to_owned();
        let mut text = Vec::new();
        while let Some(piece) = self.chunk().await? {
            if text.len() + piece.len() > limit {
                return Err(too_large(format!("the form's field `{name}` is longer than {limit} bytes")));
            }
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text)
            .map_err(|_| Problem::invalid("bad-form", format!("the form's field `{name}` is not UTF-8")))
    }

    /// Reads over the part.
    ///
    /// # Errors
    /// As [`Part::text`].
    pub(crate) async fn skip(mut self) -> Result<(), Problem> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        self.reins.pull();
        self.field.chunk().await.map_err(damaged)
    }

    /// The bytes of a file, which do not count towards the form.
    pub(crate) fn stream(self) -> ByteStream {
        let reins = self.reins;
        reins.in_file.store(true, Ordering::Relaxed);
        reins.pull();
        let pieces = self.field.inspect(move |_| reins.pull());
        let pieces = pieces.map(|piece| piece.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)));
        // The parser repeats its error for ever; a body ends with the first one.
        Box::pin(pieces.scan(false, |failed, piece| {
            let item = (!*failed).then_some(piece);
            *failed |= matches!(item, Some(Err(_)));
            std::future::ready(item)
        }))
    }
}

fn damaged(error: multer::Error) -> Problem {
    if let multer::Error::StreamReadFailed(inner) = &error
        && let Some(inner) = inner.downcast_ref::<io::Error>()
        && inner.kind() == io::ErrorKind::FileTooLarge
    {
        return too_large(inner.to_string());
    }
    Problem::invalid("bad-form", format!("the form cannot be read: {error}"))
}

fn too_large(message: String) -> Problem {
    Problem::new(Kind::TooLarge, "form-too-large", message)
}

/// Hands out small pieces, one when it is needed, and counts those that are not the file's.
struct Calm {
    body: ByteStream,
    rest: Bytes,
    form: usize,
    reins: Arc<Reins>,
}

impl Stream for Calm {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.reins.wanted.swap(true, Ordering::Relaxed) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            match self.body.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.rest = bytes,
                other => return other,
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        if !self.reins.in_file.load(Ordering::Relaxed) {
            self.form += piece.len();
            if self.form > FORM {
                let why = format!("the form has more than {FORM} bytes beside its file");
                return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::FileTooLarge, why))));
            }
        }
        self.reins.pull();
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::{FORM, Form};
    use assay_model::{Kind, Problem, seam::ByteStream};
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
    use proptest::prelude::*;

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=XX"))])
    }

    fn body(bytes: &[u8], piece: usize) -> ByteStream {
        let pieces: Vec<_> = bytes.chunks(piece.max(1)).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        Box::pin(stream::iter(pieces))
    }

    async fn read(bytes: &[u8], piece: usize) -> Result<Vec<(String, usize)>, Problem> {
        let mut form = Form::new(&headers(), body(bytes, piece))?;
        let mut out = Vec::new();
        while let Some(part) = form.next().await? {
            let name = part.name().to_owned();
            let mut length = 0;
            if part.file_name().is_some() {
                let mut file = part.stream();
                while let Some(piece) = file.next().await {
                    let piece = piece.map_err(|e| Problem::invalid("x", e.to_string()))?;
                    assert!(piece.len() <= 2 * super::PIECE, "the parser holds more than it must");
                    length += piece.len();
                }
            } else {
                length = part.text(1000).await?.len();
            }
            out.push((name, length));
        }
        Ok(out)
    }

    fn form(file: usize) -> Vec<u8> {
        let mut bytes = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n".to_vec();
        bytes.extend(b"--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n\r\n");
        bytes.extend(std::iter::repeat_n(b'\r', file));
        bytes.extend(b"\r\n--XX\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\n\r\n--XX--\r\n");
        bytes
    }

    #[tokio::test]
    async fn a_large_file_streams_through_whatever_the_pieces() {
        for (size, piece) in [(0, 1), (10, 3), (3 * FORM, 1 << 30), (300_000, 70_001)] {
            let seen = read(&form(size), piece).await.unwrap();
            assert_eq!(seen, [("a".into(), 5), ("f".into(), size), ("z".into(), 0)]);
        }
    }

    #[tokio::test]
    async fn many_fields_do_not_draw_the_file_into_memory() {
        let mut bytes = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n".repeat(1000);
        bytes.extend(form(3 * FORM));
        let seen = read(&bytes, 1 << 30).await.unwrap();
        assert_eq!(seen.len(), 1003);
        assert_eq!(seen[1001].1, 3 * FORM);
    }

    #[tokio::test]
    async fn fields_and_headers_are_bounded() {
        let mut endless = b"--XX\r\nContent-Disposition: form-data; name=\"".to_vec();
        endless.extend(std::iter::repeat_n(b'a', FORM + 1));
        assert_eq!(read(&endless, 1 << 20).await.unwrap_err().kind, Kind::TooLarge);
        let mut long = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_vec();
        long.extend(std::iter::repeat_n(b'a', 1001));
        long.extend(b"\r\n--XX--");
        assert_eq!(read(&long, 1 << 20).await.unwrap_err().kind, Kind::TooLarge);
        let many =
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(super::FIELDS + 1) + "--XX--";
        assert_eq!(read(many.as_bytes(), 1 << 20).await.unwrap_err().kind, Kind::TooLarge);
    }

    proptest! {
        #[test]
        fn damaged_forms_are_errors_and_never_hang(cut in 0_usize..300, flip in 0_usize..300, to: u8, piece in 1_usize..64) {
            let mut bytes = form(40);
            let at = flip % bytes.len();
            bytes[at] = to;
            bytes.truncate(cut);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let outcome = runtime.block_on(async {
                tokio::time::timeout(std::time::Duration::from_secs(20), read(&bytes, piece)).await
            });
            prop_assert!(outcome.is_ok(), "it hangs");
        }

        #[test]
        fn garbage_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400), piece in 1_usize..64) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let outcome = runtime.block_on(async {
                tokio::time::timeout(std::time::Duration::from_secs(20), read(&bytes, piece)).await
            });
            prop_assert!(outcome.expect("it hangs").is_err());
        }
    }
}
