//! Pulls of what is cached, under an enabled policy, beside nginx serving the same bytes: one processor for the server,
//! another for the load.

use anyhow::{Result, bail};

use super::load::{self, Effort, Target};
use super::nginx::Nginx;
use super::server::Server;
use super::table::Row;
use super::{Options, Programs, items};
use crate::http;

/// Versions of the project whose index is pulled.
const VERSIONS: usize = 20;

pub fn measure(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs, Some(0))?;
    items::add_policy(&server)?;
    items::fill(programs, &server, "bench", 1, VERSIONS)?;
    let blob = "/generic/main/bench/4k.bin";
    let bytes: Vec<u8> = (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let stored = server.request("PUT", blob, &bytes)?;
    if !(200..300).contains(&stored.status) {
        bail!("PUT {blob} gave {}: {}", stored.status, String::from_utf8_lossy(&stored.body));
    }
    server.idle()?;
    let index = "/pypi/main/simple/bench-0/";
    let nginx = Nginx::start()?;
    let mut rows = beside(&format!("pull: simple index of {VERSIONS} versions"), index, &server, &nginx, options)?;
    rows.extend(beside("pull: 4 KiB blob", blob, &server, &nginx, options)?);
    Ok(rows)
}

fn beside(name: &str, path: &str, server: &Server, nginx: &Nginx, options: &Options) -> Result<Vec<Row>> {
    let answer = server.wait_for(path)?;
    nginx.put(path, &answer.body)?;
    let same = http::request(nginx.port, "GET", path, &[], b"")?;
    if same.body != answer.body {
        bail!("nginx does not serve the same bytes under {path}");
    }
    // Both get the same request, so that both parse the same header.
    let headers = vec![server.authorization()];
    let ours = Target { port: server.port, path: path.to_owned(), headers: headers.clone() };
    let theirs = Target { port: nginx.port, path: path.to_owned(), headers };
    let name = format!("{name} ({} B)", answer.body.len());
    let effort = Effort { rounds: options.rounds(), seconds: options.seconds(), connections: 16 };
    load::beside(&name, &ours, &[("nginx", theirs)], effort)
}
