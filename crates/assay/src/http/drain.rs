//! Request bodies that are read to a decent end. A client that is still sending when the answer is "no" sees a reset
//! connection instead of the answer, unless what it sends is read on for a while.

use assay_model::seam::ByteStream;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{HeaderMap, header};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How much is read on after the answer, and for how long.
const BYTES: usize = 16 << 20;
const TIME: Duration = Duration::from_secs(10);

struct Drained {
    body: Option<ByteStream>,
    ended: bool,
    /// A client that waits for "100 Continue" must not be asked to send what nobody wants.
    waits: bool,
}

/// A body whose rest is read and thrown away when it is dropped early.
pub(super) fn drained(headers: &HeaderMap, body: Body) -> ByteStream {
    let (waits, ended) = (headers.contains_key(header::EXPECT), body.is_end_stream());
    let body: ByteStream = Box::pin(body.into_data_stream().map_err(io::Error::other));
    Box::pin(Drained { body: Some(body), ended, waits })
}

impl Stream for Drained {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(cx);
        self.waits = false;
        self.ended |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let (Some(body), Ok(runtime)) = (self.body.take(), tokio::runtime::Handle::try_current()) else { return };
        if !self.ended && !self.waits {
            runtime.spawn(tokio::time::timeout(TIME, read_on(body)));
        }
    }
}

async fn read_on(mut body: ByteStream) {
    let mut read = 0;
    while let Some(Ok(chunk)) = body.next().await {
        read += chunk.len();
        if read > BYTES {
            return;
        }
    }
}
