//! Request bodies that are read to a decent end. A client that is still sending when the answer is "no" sees a reset
//! connection instead of the answer, unless what it sends is read on for a while.

use assay_model::seam::ByteStream;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{HeaderMap, header};
use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How much is read on after the answer, and for how long.
const BYTES: usize = 16 << 20;
const TIME: Duration = Duration::from_secs(10);
/// How long a body may stand still before it counts as broken off.
const STILL: Duration = Duration::from_secs(120);

struct Drained {
    body: Option<ByteStream>,
    ended: bool,
    still: Pin<Box<tokio::time::Sleep>>,
    patience: Duration,
    waiting: bool,
    /// A client that waits for "100 Continue" must not be asked to send what nobody wants.
    waits: bool,
}

/// A body whose rest is read and thrown away when it is dropped early.
pub(super) fn drained(headers: &HeaderMap, body: Body) -> ByteStream {
    patient(headers, body, STILL)
}

fn patient(headers: &HeaderMap, body: Body, patience: Duration) -> ByteStream {
    if body.is_end_stream() {
        return Box::pin(futures_util::stream::empty());
    }
    let waits = headers.contains_key(header::EXPECT);
    let body: ByteStream = Box::pin(body.into_data_stream().map_err(io::Error::other));
    let still = Box::pin(tokio::time::sleep(patience));
    Box::pin(Drained { body: Some(body), ended: false, still, patience, waiting: false, waits })
}

impl Stream for Drained {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(cx);
        self.waits = false;
        self.ended |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        if polled.is_pending() && self.stood_still(cx) {
            self.ended = true;
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        self.waiting = polled.is_pending();
        polled
    }
}

impl Drained {
    /// The clock starts when there is nothing to read.
    fn stood_still(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.waiting {
            let end = tokio::time::Instant::now() + self.patience;
            self.still.as_mut().reset(end);
        }
        self.still.as_mut().poll(cx).is_ready()
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_stands_still_is_given_up_and_a_slow_one_is_not() {
        let patience = Duration::from_millis(800);
        let slow = futures_util::stream::unfold(0_u8, |at| async move {
            tokio::time::sleep(Duration::from_millis(if at < 5 { 200 } else { 20_000 })).await;
            Some((Ok::<_, io::Error>(Bytes::from(vec![at])), at + 1))
        });
        let mut body = patient(&HeaderMap::new(), Body::from_stream(slow), patience);
        for at in 0..5 {
            assert_eq!(body.next().await.unwrap().unwrap(), [at][..]);
        }
        assert_eq!(body.next().await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
