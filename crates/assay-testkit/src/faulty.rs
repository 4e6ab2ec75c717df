//! A connection that breaks when a test says so: a TCP proxy in front of a real service.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does with connections, those that are open as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes everything on.
    None,
    /// Cuts them, as a service that is started anew or not at all.
    Cut,
    /// Takes what is sent and never answers.
    Silent,
    /// Answers every request with HTTP status 503.
    Unavailable,
}

/// A running proxy. Dropping it ends it.
pub struct Faulty {
    port: u16,
    fault: Arc<watch::Sender<Fault>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Faulty {
    /// Stands in front of `HOST:PORT`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let fault = Arc::new(watch::Sender::new(Fault::None));
        let (shared, target) = (fault.clone(), target.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, target.clone(), shared.subscribe()));
            }
        });
        Ok(Self { port, fault, task })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What happens from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn pass(mut client: TcpStream, target: String, mut fault: watch::Receiver<Fault>) -> Option<()> {
    let now = *fault.borrow_and_update();
    match now {
        Fault::None => {
            let mut service = TcpStream::connect(target).await.ok()?;
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut service) => {}
                // whatever is under way does not end well
                _ = fault.changed() => {}
            }
        }
        Fault::Cut => {}
        Fault::Silent => {
            let mut buffer = vec![0; 64 << 10];
            loop {
                tokio::select! {
                    read = client.read(&mut buffer) => if read.ok()? == 0 { break },
                    _ = fault.changed() => break,
                }
            }
        }
        Fault::Unavailable => {
            let mut buffer = vec![0; 64 << 10];
            let _some = client.read(&mut buffer).await.ok()?;
            let answer = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            client.write_all(answer).await.ok()?;
        }
    }
    Some(())
}
