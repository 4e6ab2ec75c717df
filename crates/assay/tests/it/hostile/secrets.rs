//! Tokens: ended at once, and kept nowhere in the clear.

use anyhow::{Context, Result, ensure};
use assay_testkit::Http;
use serde_json::json;

use crate::support::{server, settled};

async fn knows(http: &Http) -> Result<u16> {
    Ok(http.get("/generic/main/").await?.status.as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_and_expired_tokens_are_refused_at_once() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    let draft = json!({"name": "short", "permission": "read"});
    let made = http.post_json("/api/v1/tokens", &draft).await?.expect_status(201)?.json()?;
    let (secret, id) = (made["secret"].as_str().context("no secret")?, made["token"]["id"].as_str().context("no id")?);
    let holder = http.with_token(Some(secret));
    ensure!(knows(&holder).await? == 200);
    let flow =
        holder.get("/auth/token?service=assay&scope=repository:main/x:pull").await?.expect_status(200)?.json()?;
    let flow = http.with_token(flow["token"].as_str());
    ensure!(knows(&flow).await? == 200);
    // half of a secret, or another's, is none
    let wrong = format!("{}x", &secret[..secret.len() - 1]);
    ensure!(knows(&http.with_token(Some(&wrong))).await? == 401);
    http.delete(&format!("/api/v1/tokens/{id}")).await?.expect_status(204)?;
    ensure!(knows(&holder).await? == 401, "a revoked token is still good");
    ensure!(knows(&flow).await? == 401, "what was derived from a revoked token is still good");
    let draft = json!({"name": "over", "permission": "read", "expires_days": 0});
    let made = http.post_json("/api/v1/tokens", &draft).await?;
    if made.status == 201 {
        let over = http.with_token(made.json()?["secret"].as_str());
        ensure!(knows(&over).await? == 401, "an expired token is still good");
    } else {
        ensure!(made.status == 400, "{}", made.text());
    }
    Ok(())
}

/// Everything that the server writes, searched for what must not be in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_written_nowhere() -> Result<()> {
    let server = crate::support::options().env("ASSAY_LOG", "trace").start().await?;
    let http = server.http();
    let made =
        http.post_json("/api/v1/tokens", &json!({"name": "ci", "permission": "write"})).await?.expect_status(201)?;
    let secret = made.json()?["secret"].as_str().context("no secret")?.to_owned();
    let holder = http.with_token(Some(&secret));
    holder.put("/generic/main/x", b"x".to_vec()).await?.expect_status(201)?;
    http.with_token(Some(&format!("{secret}-mistyped"))).get("/generic/main/x").await?.expect_status(401)?;
    let flow = holder.get("/auth/token").await?.expect_status(200)?.json()?;
    let flow = flow["token"].as_str().context("no flow token")?.to_owned();
    http.with_token(Some(&flow)).get("/v2/").await?.expect_status(200)?;
    settled(&server).await?;
    let listed = http.get("/api/v1/tokens").await?.expect_status(200)?.text();
    let events = http.get("/api/v1/events?limit=1000").await?.expect_status(200)?.text();
    let random = secret.rsplit('_').next().unwrap_or_default().to_owned();
    for hidden in [secret.as_str(), random.as_str(), flow.as_str(), server.token()] {
        ensure!(!server.log().contains(hidden), "the output tells a secret");
        ensure!(!listed.contains(hidden) && !events.contains(hidden), "the API tells a secret");
        for file in everything_below(&server.data())? {
            let bytes = std::fs::read(&file)?;
            let found = bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes());
            ensure!(!found, "{} holds a secret", file.display());
        }
    }
    ensure!(!listed.contains("\"hash\""), "{listed}");
    Ok(())
}

fn everything_below(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(everything_below(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
