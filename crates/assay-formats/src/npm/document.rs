//! The document that a client publishes, read as it streams: attached archives leave it as bytes while they arrive, all
//! else is collected within a limit. What the rest means is read elsewhere.

use assay_model::{Kind, Problem, seam::ByteStream};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::{Buf, Bytes};
use futures_util::{StreamExt, stream};
use std::io;
use tokio::sync::oneshot;

/// Bytes of the document without its archives.
const REST: usize = 32 << 20;
/// Bytes of one key on the way to an attachment, and open brackets at once.
const KEY: usize = 1 << 10;
const DEPTH: usize = 100;

/// Line breaks and missing padding are what some encoders do; neither changes the bytes.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A document that is being read.
pub(super) struct Reader {
    body: ByteStream,
    chunk: Bytes,
    scan: Scan,
}

/// Where reading stopped.
pub(super) enum Next {
    /// Before the content of the attachment of that name: call [`Reader::bytes`] or [`Reader::text`].
    Attachment(String, Reader),
    /// At the end. The document, with empty texts where the contents of attachments were.
    End(Vec<u8>),
}

/// The way back of a reader whose attachment was streamed to its end, or why that failed.
pub(super) type Back = oneshot::Receiver<Result<Reader, Problem>>;

impl Reader {
    pub(super) fn new(body: ByteStream) -> Self {
        Self { body, chunk: Bytes::new(), scan: Scan::default() }
    }

    /// Reads on to the next attachment or the end.
    ///
    /// # Errors
    /// `TooLarge` beyond the limit, `Invalid` when the body breaks off or is no such document.
    pub(super) async fn next(mut self) -> Result<Next, Problem> {
        loop {
            while self.chunk.has_remaining() {
                let byte = self.chunk.get_u8();
                if self.scan.feed(byte)? {
                    let key = self.scan.attachment().ok_or_else(|| Problem::bug("an attachment has no name"))?;
                    return Ok(Next::Attachment(key, self));
                }
            }
            match self.body.next().await {
                Some(chunk) => self.chunk = chunk.map_err(broken)?,
                None => return Ok(Next::End(self.scan.rest)),
            }
        }
    }

    /// The attachment's content as the bytes that its base64 stands for. The reader comes back when they are at their end.
    pub(super) fn bytes(self) -> (ByteStream, Back) {
        let (back, receiver) = oneshot::channel();
        let start = Some((self, back, Decoder::default()));
        let stream = stream::unfold(start, |state| async move {
            let (mut reader, back, mut decoder) = state?;
            match reader.decoded(&mut decoder).await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some((reader, back, decoder)))),
                Ok(None) => {
                    let _ = back.send(Ok(reader));
                    None
                }
                Err(problem) => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, problem.message.clone());
                    let _ = back.send(Err(problem));
                    Some((Err(error), None))
                }
            }
        });
        (Box::pin(stream), receiver)
    }

    async fn decoded(&mut self, decoder: &mut Decoder) -> Result<Option<Bytes>, Problem> {
        loop {
            let bytes = match self.piece().await? {
                Some(piece) => decoder.feed(&piece)?,
                None if decoder.ended => return Ok(None),
                None => decoder.finish()?,
            };
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
            if decoder.ended {
                return Ok(None);
            }
        }
    }

    /// The attachment's content as text, and the reader behind it.
    ///
    /// # Errors
    /// `TooLarge` beyond `limit`, `Invalid` when it is no text.
    pub(super) async fn text(mut self, limit: usize) -> Result<(String, Self), Problem> {
        let mut quoted = vec![b'"'];
        while let Some(piece) = self.piece().await? {
            quoted.extend_from_slice(&piece);
            if quoted.len() > limit {
                return Err(too_large("an attached text", limit));
            }
        }
        quoted.push(b'"');
        let text = serde_json::from_slice(&quoted).map_err(unreadable)?;
        Ok((text, self))
    }

    /// Some of the characters inside the text that stands next, escapes as they are; nothing at its closing quote.
    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.scan.closed {
            return Ok(None);
        }
        while !self.chunk.has_remaining() {
            match self.body.next().await {
                Some(chunk) => self.chunk = chunk.map_err(broken)?,
                None => return Err(Problem::invalid("broken-body", "the document ends inside an attachment")),
            }
        }
        if self.scan.escaped {
            self.scan.escaped = false;
            return Ok(Some(self.chunk.split_to(1)));
        }
        let end = self.chunk.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        match (end, self.chunk.first()) {
            (Some(0), Some(b'"')) => {
                self.chunk.advance(1);
                self.scan.close();
                Ok(None)
            }
            (Some(0), _) => {
                self.scan.escaped = true;
                Ok(Some(self.chunk.split_to(1)))
            }
            (Some(end), _) => Ok(Some(self.chunk.split_to(end))),
            (None, _) => Ok(Some(std::mem::take(&mut self.chunk))),
        }
    }
}

fn broken(error: io::Error) -> Problem {
    Problem::invalid("broken-body", format!("the request's body could not be read to its end: {error}"))
        .caused_by(error)
}

fn too_large(what: &str, limit: usize) -> Problem {
    Problem::new(Kind::TooLarge, "document-too-large", format!("{what} is larger than the {limit} bytes that are read"))
}

pub(super) fn unreadable(error: serde_json::Error) -> Problem {
    Problem::invalid("bad-document", format!("the document cannot be read: {error}")).caused_by(error)
}

/// Where in the document the next byte stands. Whether the whole is JSON is for the parser of the rest to say.
#[derive(Default)]
struct Scan {
    rest: Vec<u8>,
    stack: Vec<Frame>,
    /// Inside a text; of a key, its characters are kept.
    text: Option<Text>,
    /// The last character of the attachment was a backslash; its text is at its end.
    escaped: bool,
    closed: bool,
}

#[derive(Default)]
struct Frame {
    object: bool,
    /// The last key, escapes as they are.
    key: Vec<u8>,
    key_next: bool,
}

#[derive(Clone, Copy)]
struct Text {
    key: bool,
    escaped: bool,
}

impl Scan {
    /// Takes one byte; says whether the content of an attachment begins after it.
    fn feed(&mut self, byte: u8) -> Result<bool, Problem> {
        if self.rest.len() >= REST {
            return Err(too_large("the document without its archive", REST));
        }
        self.rest.push(byte);
        match self.text {
            Some(text) => self.inside(text, byte).map(|()| false),
            None => self.between(byte),
        }
    }

    fn inside(&mut self, text: Text, byte: u8) -> Result<(), Problem> {
        if byte == b'"' && !text.escaped {
            self.text = None;
            return Ok(());
        }
        self.text = Some(Text { escaped: byte == b'\\' && !text.escaped, ..text });
        if let (true, Some(frame)) = (text.key, self.stack.last_mut()) {
            // Only keys that lead to attachments matter; those of others can be as long as they like.
            if frame.key.len() < KEY {
                frame.key.push(byte);
            }
        }
        Ok(())
    }

    fn between(&mut self, byte: u8) -> Result<bool, Problem> {
        match byte {
            b'{' | b'[' if self.stack.len() >= DEPTH => {
                return Err(Problem::invalid("bad-document", "the document is nested too deeply"));
            }
            b'{' => self.stack.push(Frame { object: true, key_next: true, key: Vec::new() }),
            b'[' => self.stack.push(Frame::default()),
            b'}' | b']' => drop(self.stack.pop()),
            b':' | b',' => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.key_next = frame.object && byte == b',';
                }
            }
            b'"' => return Ok(self.open()),
            _ => {}
        }
        Ok(false)
    }

    fn open(&mut self) -> bool {
        let key = self.stack.last().is_some_and(|frame| frame.key_next);
        if !key && self.attachment().is_some() {
            (self.escaped, self.closed) = (false, false);
            return true;
        }
        if let (true, Some(frame)) = (key, self.stack.last_mut()) {
            frame.key.clear();
        }
        self.text = Some(Text { key, escaped: false });
        false
    }

    /// The name of the attachment whose content is the value that stands here.
    fn attachment(&self) -> Option<String> {
        let [top, middle, inner] = self.stack.as_slice() else { return None };
        let leads = top.object && top.key == b"_attachments" && middle.object && inner.object && inner.key == b"data";
        let quoted = [b"\"", middle.key.as_slice(), b"\""].concat();
        leads.then(|| serde_json::from_slice(&quoted).ok()).flatten()
    }

    fn close(&mut self) {
        self.rest.push(b'"');
        self.closed = true;
    }
}

/// Base64 as it arrives, inside a JSON text.
#[derive(Default)]
struct Decoder {
    /// Characters that make no whole group yet.
    group: Vec<u8>,
    /// What an escape still wants, and its value so far.
    escape: Option<(u8, u32)>,
    padded: bool,
    ended: bool,
}

impl Decoder {
    fn feed(&mut self, text: &[u8]) -> Result<Vec<u8>, Problem> {
        for &byte in text {
            match self.escape {
                None if byte == b'\\' => self.escape = Some((0, 0)),
                None => self.take(byte),
                Some((0, _)) if byte == b'u' => self.escape = Some((4, 0)),
                Some((0, _)) => {
                    self.escape = None;
                    match byte {
                        b'n' | b'r' | b't' => {}
                        other => self.take(other),
                    }
                }
                Some((left, value)) => {
                    let digit = char::from(byte).to_digit(16).ok_or_else(Self::wrong)?;
                    let value = value * 16 + digit;
                    self.escape = (left > 1).then_some((left - 1, value));
                    if left == 1 {
                        self.take(u8::try_from(value).map_err(|_| Self::wrong())?);
                    }
                }
            }
        }
        let whole = self.group.len() / 4 * 4;
        self.decode(whole)
    }

    fn take(&mut self, byte: u8) {
        if !matches!(byte, b'\n' | b'\r' | b' ' | b'\t') {
            self.group.push(byte);
        }
    }

    fn finish(&mut self) -> Result<Vec<u8>, Problem> {
        self.ended = true;
        if self.escape.is_some() {
            return Err(Self::wrong());
        }
        self.decode(self.group.len())
    }

    fn decode(&mut self, count: usize) -> Result<Vec<u8>, Problem> {
        let groups: Vec<u8> = self.group.drain(..count).collect();
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        if std::mem::replace(&mut self.padded, groups.ends_with(b"=")) {
            return Err(Self::wrong());
        }
        BASE64.decode(&groups).map_err(|_| Self::wrong())
    }

    fn wrong() -> Problem {
        Problem::invalid("bad-document", "the attached archive is not base64")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::body;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn body_of(text: &str, size: usize) -> ByteStream {
        let pieces: Vec<_> = text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Box::pin(stream::iter(pieces))
    }

    async fn read(text: &str, size: usize) -> Result<(Value, Vec<(String, Vec<u8>)>), Problem> {
        let (mut reader, mut found) = (Reader::new(body_of(text, size)), Vec::new());
        loop {
            match reader.next().await? {
                Next::End(rest) => return Ok((serde_json::from_slice(&rest).map_err(unreadable)?, found)),
                Next::Attachment(name, at) if name.ends_with(".tgz") => {
                    let (stream, back) = at.bytes();
                    let bytes = body::collect(stream, usize::MAX, "x").await;
                    reader = back.await.unwrap()?;
                    found.push((name, bytes?.to_vec()));
                }
                Next::Attachment(name, at) => {
                    let (text, behind) = at.text(1000).await?;
                    reader = behind;
                    found.push((name, text.into_bytes()));
                }
            }
        }
    }

    #[tokio::test]
    async fn attachments_leave_the_document_and_the_rest_stays() {
        let text = r#"{"data":"no","_attachments":{"a-1.tgz":{"content_type":"x","data":"aGVs\nbG8\/QA\u003d=","n":[{"data":"no"}]},
            "a\"b.sigstore":{"data":"{\"x\":\"\\u0041é\"}"}},"versions":{"1":{"data":"_attachments"}}}"#;
        for size in [1, 2, 7, 1000] {
            let (rest, found) = read(text, size).await.unwrap();
            assert_eq!(found[0], ("a-1.tgz".to_owned(), b"hello?@"[..].to_vec()), "{size}");
            assert_eq!(found[1], ("a\"b.sigstore".to_owned(), "{\"x\":\"\\u0041é\"}".as_bytes().to_vec()));
            let tgz = &rest["_attachments"]["a-1.tgz"];
            assert_eq!((&tgz["data"], &tgz["n"][0]["data"]), (&json!(""), &json!("no")));
            assert_eq!((&rest["data"], &rest["versions"]["1"]["data"]), (&json!("no"), &json!("_attachments")));
        }
    }

    #[tokio::test]
    async fn what_breaks_off_or_is_no_base64_is_told() {
        for (text, words) in [
            (r#"{"_attachments":{"a.tgz":{"data":"aGVs"#, "ends inside an attachment"),
            (r#"{"_attachments":{"a.tgz":{"data":"a?b="}}}"#, "not base64"),
            (r#"{"_attachments":{"a.tgz":{"data":"aA==aA=="}}}"#, "not base64"),
            (r#"{"_attachments":{"a.tgz":{"data":"aGVs"}}"#, "cannot be read"),
            ("", "cannot be read"),
        ] {
            let problem = read(text, 5).await.unwrap_err();
            assert!(problem.message.contains(words), "{text}: {problem}");
        }
        let deep = "[".repeat(200);
        assert!(read(&deep, 50).await.unwrap_err().message.contains("too deeply"));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_come_out_as_they_went_in(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            size in 1_usize..50,
        ) {
            let text = json!({"_attachments": {"a.tgz": {"data": BASE64.encode(&bytes)}}}).to_string();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (_, found) = runtime.block_on(read(&text, size)).unwrap();
            prop_assert_eq!(&found[0].1, &bytes);
        }

        #[test]
        fn no_text_makes_it_fall_over(text in "[\\[\\]{}\":,\\\\a_data-z0-9 ]{0,200}", size in 1_usize..20) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(&text, size));
        }
    }
}
