//! The accept loop: HTTP/1.1 and HTTP/2 without TLS, header timeouts, graceful shutdown.

use super::{App, routes};
use anyhow::Result;
use axum::body::Body;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{net::TcpListener, signal::unix::SignalKind};

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(20);

/// Serves until SIGINT or SIGTERM, then lets requests in flight end.
///
/// # Errors
/// When signals cannot be watched.
pub async fn run(listener: TcpListener, app: Arc<App>) -> Result<()> {
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
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
        let app = app.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(routes::dispatch(app, request.map(Body::new)).await) }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    tracing::info!("stopping");
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}
