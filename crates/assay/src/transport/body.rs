//! Bodies as they come: counted by nobody here, ended by an error where the connection breaks. Documents that travelled
//! compressed are unpacked in small steps, so that a bomb is noticed by whoever counts before it is in memory.

use assay_model::seam::ByteStream;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::Response;
use std::{collections::VecDeque, io, io::Write as _};

/// Compressed bytes that are unpacked at once: deflate makes at most about a thousand times as many of them.
const STEP: usize = 1 << 10;

/// The body of an answer, byte for byte as it was sent.
pub fn plain(response: Response) -> ByteStream {
    Box::pin(response.bytes_stream().map(|chunk| chunk.map_err(|e| broken(&e))))
}

/// The body of an answer that was compressed for the way.
pub fn unzipped(response: Response) -> ByteStream {
    Box::pin(unzip(plain(response)))
}

fn broken(error: &reqwest::Error) -> io::Error {
    let kind = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::ConnectionAborted };
    io::Error::new(kind, crate::net::root_cause(error))
}

struct Unzipping {
    body: ByteStream,
    /// None once the end was told.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    waiting: VecDeque<Bytes>,
}

fn unzip(body: ByteStream) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let start = Unzipping { body, decoder: Some(MultiGzDecoder::new(Vec::new())), waiting: VecDeque::new() };
    stream::unfold(start, |mut state| async move {
        loop {
            state.decoder.as_ref()?;
            match step(&mut state).await {
                Ok(Some(bytes)) => return Some((Ok(bytes), state)),
                Ok(None) if state.decoder.is_some() => {}
                Ok(None) => return None,
                Err(error) => {
                    state.decoder = None;
                    return Some((Err(error), state));
                }
            }
        }
    })
}

/// Unpacks a little; takes the decoder away at the end.
async fn step(state: &mut Unzipping) -> io::Result<Option<Bytes>> {
    let Some(decoder) = state.decoder.as_mut() else { return Ok(None) };
    let damaged =
        |_| io::Error::new(io::ErrorKind::InvalidData, "the answer says it is gzip, and is not, or is cut off");
    let Some(mut waiting) = state.waiting.pop_front() else {
        match state.body.next().await {
            Some(chunk) => state.waiting.push_back(chunk?),
            None => {
                decoder.try_finish().map_err(damaged)?;
                let rest = std::mem::take(decoder.get_mut());
                state.decoder = None;
                return Ok((!rest.is_empty()).then(|| rest.into()));
            }
        }
        return Ok(None);
    };
    let now = waiting.split_to(waiting.len().min(STEP));
    if !waiting.is_empty() {
        state.waiting.push_front(waiting);
    }
    decoder.write_all(&now).map_err(damaged)?;
    let made = std::mem::take(decoder.get_mut());
    Ok((!made.is_empty()).then(|| made.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn unpacked(chunks: Vec<io::Result<Bytes>>) -> (Vec<u8>, Option<io::ErrorKind>, usize) {
        let mut stream = Box::pin(unzip(Box::pin(stream::iter(chunks))));
        let (mut all, mut largest) = (Vec::new(), 0);
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(bytes) => {
                    largest = largest.max(bytes.len());
                    all.extend_from_slice(&bytes);
                }
                Err(error) => {
                    assert!(stream.next().await.is_none(), "an error is the end");
                    return (all, Some(error.kind()), largest);
                }
            }
        }
        (all, None, largest)
    }

    #[tokio::test]
    async fn what_was_packed_comes_back_however_it_is_cut() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let whole = packed(&text);
        for size in [7, 1024, whole.len()] {
            let chunks = whole.chunks(size).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            let (all, error, _) = unpacked(chunks).await;
            assert_eq!((all, error), (text.clone(), None));
        }
        let (empty, error, _) = unpacked(vec![Ok(packed(b"").into())]).await;
        assert_eq!((empty.len(), error), (0, None));
    }

    #[tokio::test]
    async fn a_bomb_goes_off_in_small_steps() {
        let (all, error, largest) = unpacked(vec![Ok(packed(&vec![0; 64 << 20]).into())]).await;
        assert_eq!((all.len(), error), (64 << 20, None));
        assert!(largest < 4 << 20, "{largest} bytes at once");
    }

    #[tokio::test]
    async fn a_cut_or_wrong_stream_ends_with_an_error() {
        let whole = packed(&[1; 10_000]);
        let cut = Bytes::copy_from_slice(whole.get(..whole.len() - 4).unwrap());
        assert_eq!(unpacked(vec![Ok(cut)]).await.1, Some(io::ErrorKind::InvalidData));
        assert_eq!(unpacked(vec![Ok(Bytes::from_static(b"<html>"))]).await.1, Some(io::ErrorKind::InvalidData));
        let broken = vec![Ok(whole.into()), Err(io::ErrorKind::ConnectionAborted.into())];
        assert_eq!(unpacked(broken).await.1, Some(io::ErrorKind::ConnectionAborted));
    }
}
