//! The accept loop: HTTP/1.1 and HTTP/2 without TLS, header timeouts, graceful shutdown.

use super::{App, routes};
use anyhow::Result;
use axum::body::Body;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::SignalKind,
};

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// What a connection with HTTP/2 begins with (RFC 9113, section 3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a connection's headers, and of an answer that are taken before those before them are sent.
const BUFFER: usize = 64 << 10;
/// Silence after which the system asks whether a client is still there.
const ALIVE: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(20);

/// Waits for the bytes that tell the protocols apart. The header timeout begins only after them, so whoever does not even
/// send these within its time is sent away here.
async fn speaks(stream: &TcpStream) -> bool {
    let mut first = [0; HTTP2.len()];
    let told = async {
        loop {
            match stream.peek(&mut first).await {
                Ok(0) | Err(_) => return false,
                Ok(n) if n == HTTP2.len() || first.get(..n) != HTTP2.get(..n) => return true,
                // a part of the preface stays readable, so that waiting for more takes a pause
                Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(HEADER_TIMEOUT, told).await.unwrap_or(false)
}

/// Serves until SIGINT or SIGTERM, then lets requests in flight end.
///
/// # Errors
/// When signals cannot be watched.
pub async fn run(listener: TcpListener, app: Arc<App>) -> Result<()> {
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER);
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        let _ = stream.set_nodelay(true);
        // whoever is gone without a word is found out, and what it left unfinished with it
        let _ = rustix::net::sockopt::set_tcp_keepidle(&stream, ALIVE);
        let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
        let app = app.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(routes::dispatch(app, request.map(Body::new)).await) }
        });
        let (builder, watcher) = (builder.clone(), graceful.watcher());
        tokio::spawn(async move {
            if !speaks(&stream).await {
                return;
            }
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            let connection = watcher.watch(connection.into_owned());
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    tracing::info!("stopping");
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}
