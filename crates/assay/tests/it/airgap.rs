//! An installation without a network takes what is known from one that has it, as a signed file.

use anyhow::Result;
use assay_testkit::TestServer;

use crate::support::{advisories, import, package, publish, python_advisory, server, settled};
use assay_testkit::make::wheel::Wheel;

async fn key_of(server: &TestServer) -> Result<String> {
    Ok(server.cli(["feeds", "key"])?.succeed().await?.stdout.trim().to_owned())
}

async fn export(server: &TestServer, name: &str, more: &[&str]) -> Result<std::path::PathBuf> {
    let path = server.scratch().join(name);
    server.cli(["feeds", "export", "--output"])?.arg(&path).args(more).succeed().await?;
    Ok(path)
}

#[tokio::test]
async fn facts_travel_signed_and_touch_what_they_are_about() -> Result<()> {
    let (online, offline) = (server().await?, server().await?);
    publish(&offline, &Wheel::new("carried", "1.0").build()?).await?;
    settled(&offline).await?;
    let first = [python_advisory("PYSEC-1", "CVE-2026-1", "carried", "0", "2.0")];
    import(&online, &[&advisories(&online, "first", &first)?]).await?;
    let whole = export(&online, "whole.tar.gz", &[]).await?;
    assert_eq!(std::fs::read(&whole)?, std::fs::read(export(&online, "again.tar.gz", &[]).await?)?, "the same bytes");

    let refused = offline.cli(["feeds", "import"])?.arg(&whole).fail().await?;
    assert!(refused.output().contains("is not trusted"), "{}", refused.output());
    offline.cli(["feeds", "trust", "add"])?.arg(key_of(&online).await?).succeed().await?;

    let mut bytes = std::fs::read(&whole)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = offline.scratch().join("broken.tar.gz");
    std::fs::write(&broken, bytes)?;
    offline.cli(["feeds", "import"])?.arg(&broken).fail().await?;
    let findings = package(&offline, "main/pypi/carried@1.0").await?["findings"].clone();
    assert_eq!(findings.as_array().map(Vec::len), Some(0), "nothing was written: {findings}");

    let second = [python_advisory("PYSEC-2", "CVE-2026-2", "carried", "0", "3.0")];
    import(&online, &[&advisories(&online, "second", &second)?]).await?;
    let delta = export(&online, "delta.tar.gz", &["--since", &whole.to_string_lossy()]).await?;
    let early = offline.cli(["feeds", "import"])?.arg(&delta).fail().await?;
    assert!(early.output().contains("which was not taken in here"), "{}", early.output());

    for bundle in [&whole, &delta] {
        offline.cli(["feeds", "import"])?.arg(bundle).succeed().await?;
    }
    settled(&offline).await?;
    let findings = package(&offline, "main/pypi/carried@1.0").await?["findings"].clone();
    assert_eq!(findings.as_array().map(Vec::len), Some(2), "{findings}");
    let older = offline.cli(["feeds", "import"])?.arg(&whole).fail().await?;
    assert!(older.output().contains("--force"), "{}", older.output());
    offline.cli(["feeds", "import", "--force"])?.arg(&whole).succeed().await?;
    Ok(())
}
