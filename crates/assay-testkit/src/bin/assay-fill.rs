//! Fills a server with many tiny packages, and makes an advisory for one of them. `cargo xtask bench` starts it.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use assay_testkit::catalogue;
use assay_testkit::client::Http;
use assay_testkit::make::{
    feeds,
    oci::{Blob, Parts},
    sha256,
    wheel::Wheel,
};
use assay_testkit::upload;
use serde_json::json;

const HELP: &str = "\
assay-fill wheels --url URL [--repository main] [--prefix fill] [--names N] [--versions N] [--connections N]
                  (the token is in ASSAY_TOKEN)
assay-fill npm [--repository main] --name NAME --versions N
assay-fill image --name REPOSITORY/NAME --tag TAG --layers BYTES,BYTES
assay-fill images --name REPOSITORY/NAME --count N [--connections N] [--seed N]
assay-fill blob --name REPOSITORY/NAME --size BYTES [--seed N]
assay-fill put --path PATH --size BYTES [--seed N]
                  (to --url as well; these need no token where the registry asks for none, and say what they did)
assay-fill advisory --id ID --name NAME --out FILE.zip
assay-fill catalogue --data DIR --packages N [--components 20] [--corpus ../shared]
                  (writes into the store of a server that is not running, or into ASSAY_DATABASE_URL; names what can be
                  pulled)";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-fill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value =
        |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).map(String::as_str);
    match words.first().map(String::as_str) {
        Some("wheels") => {
            let plan = Plan {
                repository: value("--repository").unwrap_or("main").to_owned(),
                prefix: value("--prefix").unwrap_or("fill").to_owned(),
                names: value("--names").unwrap_or("10").parse()?,
                versions: value("--versions").unwrap_or("1").parse()?,
            };
            let token = std::env::var("ASSAY_TOKEN").context("ASSAY_TOKEN is not set")?;
            let http = Http::new(value("--url").context(HELP)?, Some(&token))?;
            wheels(http, plan, value("--connections").unwrap_or("4").parse()?).await
        }
        Some("npm") => {
            let (http, name) = (http(value("--url"))?, value("--name").context(HELP)?);
            let repository = value("--repository").unwrap_or("main");
            for at in 0..value("--versions").context(HELP)?.parse::<usize>()? {
                upload::npm(&http, repository, name, &format!("1.{at}.0")).await?;
            }
            Ok(())
        }
        Some("image") => {
            let sizes = value("--layers").context(HELP)?.split(',').map(str::parse);
            let parts = image(&sizes.collect::<Result<Vec<usize>, _>>()?, 0)?;
            let (name, tag) = (value("--name").context(HELP)?, value("--tag").context(HELP)?);
            upload::oci_image(&http(value("--url"))?, name, tag, &parts).await?;
            let layers: Vec<&str> = parts.layers.iter().map(|layer| layer.digest.as_str()).collect();
            println!("{}", json!({ "layers": layers }));
            Ok(())
        }
        Some("images") => {
            let (count, seed) = (value("--count").context(HELP)?.parse()?, value("--seed").unwrap_or("0").parse()?);
            let (http, connections) = (http(value("--url"))?, value("--connections").unwrap_or("4").parse()?);
            images(http, value("--name").context(HELP)?, count, seed, connections).await
        }
        Some("blob" | "put") => {
            let (size, seed) = (value("--size").context(HELP)?.parse()?, value("--seed").unwrap_or("0").parse()?);
            let (http, bytes) = (http(value("--url"))?, noise(size, seed));
            let start = Instant::now();
            match value("--path") {
                Some(path) => drop(http.put(path, bytes).await?.expect_status(201)?),
                None => drop(upload::oci_blob(&http, value("--name").context(HELP)?, bytes).await?),
            }
            println!("{}", json!({ "seconds": start.elapsed().as_secs_f64() }));
            Ok(())
        }
        Some("advisory") => {
            let named = |name: &str| value(name).context(HELP);
            advisory(named("--id")?, named("--name")?, named("--out")?)
        }
        Some("catalogue") => {
            let plan = catalogue::Plan {
                packages: value("--packages").context(HELP)?.parse()?,
                components: value("--components").unwrap_or("20").parse()?,
                corpus: value("--corpus").unwrap_or("../shared").into(),
            };
            let start = Instant::now();
            let directory = std::path::PathBuf::from(value("--data").context(HELP)?);
            catalogue::generate(&directory, &plan, |done| {
                if done % 20_000 == 0 {
                    eprintln!("{done} packages, {:.0} s", start.elapsed().as_secs_f64());
                }
            })
            .await?;
            let of = |first: usize, count: usize| {
                let numbers = (first..first + count).filter(|number| *number < plan.packages);
                numbers.filter(|number| catalogue::is_pulled(*number)).map(catalogue::path).collect::<Vec<_>>()
            };
            let pulled: Vec<_> = catalogue::TARGETS
                .iter()
                .map(|(name, first, count)| json!({ "name": name, "paths": of(*first, *count) }))
                .collect();
            println!("{}", json!({ "targets": pulled }));
            Ok(())
        }
        _ => bail!("{HELP}"),
    }
}

fn http(url: Option<&str>) -> Result<Http> {
    Http::new(url.context(HELP)?, std::env::var("ASSAY_TOKEN").ok().as_deref())
}

/// Bytes that look random and are the same each time (xorshift).
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn blob(media_type: &'static str, bytes: Vec<u8>) -> Blob {
    Blob { digest: format!("sha256:{}", sha256(&bytes)), media_type, bytes }
}

/// An image with layers of exactly these sizes.
fn image(sizes: &[usize], seed: u64) -> Result<Parts> {
    let noises = sizes.iter().zip(seed..).map(|(size, seed)| noise(*size, seed));
    let layers: Vec<Blob> = noises.map(|bytes| blob("application/vnd.oci.image.layer.v1.tar", bytes)).collect();
    let diffs: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diffs } });
    let config = blob("application/vnd.oci.image.config.v1+json", serde_json::to_vec(&config)?);
    let described =
        |blob: &Blob| json!({ "mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len() });
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": described(&config),
        "layers": layers.iter().map(described).collect::<Vec<_>>(),
    });
    Ok(Parts { manifest: blob(media_type, serde_json::to_vec(&manifest)?), config, layers })
}

/// Pushes small images over a few connections that are kept open, and says how long it took.
async fn images(http: Http, name: &str, count: usize, seed: u64, connections: usize) -> Result<()> {
    let made = (0..count).zip(seed..).map(|(_, seed)| image(&[2000], seed)).collect::<Result<Vec<Parts>>>()?;
    let (made, next) = (Arc::new(made), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (http, made, next, name) = (http.clone(), Arc::clone(&made), Arc::clone(&next), name.to_owned());
        workers.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(parts) = made.get(at) else { return Ok::<_, anyhow::Error>(()) };
                upload::oci_image(&http, &format!("{name}/{at}"), "1", parts).await?;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    println!("{}", json!({ "seconds": start.elapsed().as_secs_f64() }));
    Ok(())
}

struct Plan {
    repository: String,
    prefix: String,
    names: usize,
    versions: usize,
}

/// Uploads all of them over a few connections that are kept open.
async fn wheels(http: Http, plan: Plan, connections: usize) -> Result<()> {
    let plan = Arc::new(plan);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (http, plan, next) = (http.clone(), Arc::clone(&plan), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= plan.names * plan.versions {
                    return Ok::<_, anyhow::Error>(());
                }
                let name = format!("{}-{}", plan.prefix, at / plan.versions);
                let built = Wheel::new(&name, &format!("1.{}", at % plan.versions)).build()?;
                let reply = upload::pypi(&http, &plan.repository, &built).await?;
                if !reply.status.is_success() {
                    bail!("{} was refused with {}: {}", built.file_name, reply.status, reply.text());
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

fn advisory(id: &str, name: &str, out: &str) -> Result<()> {
    let record = feeds::osv_record(id, "PyPI", name, None, feeds::CRITICAL, "2026-01-01T00:00:00Z");
    std::fs::write(out, feeds::osv_zip(&[record])?).with_context(|| format!("cannot write {out}"))
}
