//! Package lists of distributions against a fixture of Trivy's database: the findings must be those of the reports that
//! are known to be right. Cases come from `oracles/trivy/pairs.tsv`; those below say by hand what the database says.

mod by_hand;
mod packages;

use anyhow::{Context, Result};
use assay_engine::{Engine, ImportReport};
use assay_model::{clock::SystemClock, finding::Finding, inventory::Inventory, seam::notices::Silent};
use assay_store::StoreConfig;
use assay_testkit::{corpus, make::trivy_db};
use packages::{Package, System};
use serde_json::Value;
use std::{collections::BTreeSet, io::Cursor, path::Path, sync::Arc};
use tempfile::TempDir;

use crate::in_process;

/// Vulnerability, package, fixed version.
type Row = (String, String, String);

/// An engine on SQLite that has imported a database.
pub(crate) struct World {
    engine: Arc<Engine>,
    _folder: TempDir,
}

impl World {
    /// Over the database of these bytes.
    async fn over(database: Vec<u8>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = StoreConfig::embedded(folder.path())?;
        let (engine, _) = in_process::engine(&config, folder.path(), Arc::new(SystemClock), Arc::new(Silent)).await?;
        let world = Self { engine, _folder: folder };
        world.import(database).await?;
        Ok(world)
    }

    async fn import(&self, database: Vec<u8>) -> Result<ImportReport> {
        let engine = self.engine.clone();
        let imported = tokio::task::spawn_blocking(move || {
            let mut report = ImportReport::default();
            engine.import_file("trivy.db", &mut Cursor::new(database), &mut report, &mut |_, _| {}).map(|()| report)
        });
        Ok(imported.await??)
    }

    /// Over the fixture of the corpus, where it is there.
    async fn of_fixture() -> Result<Option<Self>> {
        let Some(folder) = corpus("oracles/trivy/db") else { return Ok(None) };
        Ok(Some(Self::over(trivy_db::of_folder(&folder)?).await?))
    }

    async fn findings(&self, system: &System, packages: &[Package]) -> Result<Vec<(String, Finding)>> {
        let components = packages.iter().map(|package| package.occurrence(system)).collect::<Result<_>>()?;
        let inventory = Inventory { components, os: Some(system.release()), ..Inventory::default() };
        let found = self.engine.scan(inventory).await?;
        Ok(found.findings.into_iter().map(|one| (one.component.name, one.finding)).collect())
    }

    async fn rows(&self, system: &System, packages: &[Package]) -> Result<BTreeSet<Row>> {
        let found = self.findings(system, packages).await?;
        Ok(found.into_iter().map(|(package, f)| (f.id, package, f.stated_fix.unwrap_or_default())).collect())
    }
}

fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// What a report says of the system's packages.
fn expected(report: &Value) -> Vec<&Value> {
    let results = report["Results"].as_array().into_iter().flatten();
    let of_system = results.filter(|result| result["Class"] == "os-pkgs");
    of_system.flat_map(|result| result["Vulnerabilities"].as_array().into_iter().flatten()).collect()
}

fn row(vulnerability: &Value) -> Row {
    let text = |name: &str| vulnerability[name].as_str().unwrap_or_default().to_owned();
    (text("VulnerabilityID"), text("PkgName"), text("FixedVersion"))
}

#[tokio::test]
async fn every_pair_gives_what_its_report_says() -> Result<()> {
    let (Some(world), Some(folder)) = (World::of_fixture().await?, corpus("oracles/trivy")) else { return Ok(()) };
    let pairs = std::fs::read_to_string(folder.join("pairs.tsv"))?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in pairs.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (list, golden) = line.split_once('\t').with_context(|| format!("no pair: {line}"))?;
        let report = read(&folder.join(golden.trim()))?;
        let system = System::of_report(&report)?;
        let packages: Vec<Package> = serde_json::from_value(read(&folder.join(list))?)?;
        let found = world.findings(&system, &packages).await?;
        let rows: BTreeSet<Row> = found
            .iter()
            .map(|(package, f)| (f.id.clone(), package.clone(), f.stated_fix.clone().unwrap_or_default()))
            .collect();
        let expected = expected(&report);
        let wanted: BTreeSet<Row> = expected.iter().map(|one| row(one)).collect();
        count += 1;
        if rows != wanted {
            let more: Vec<_> = rows.difference(&wanted).collect();
            let less: Vec<_> = wanted.difference(&rows).collect();
            wrong.push(format!("{line}: too many {more:?}, missing {less:?}"));
        }
        for one in expected {
            let (id, package, _) = row(one);
            let ours = found.iter().find(|(p, f)| *p == package && f.id == id).map(|(_, f)| f);
            wrong.extend(
                ours.and_then(|ours| differs(ours, one)).map(|why| format!("{line}: {id} of {package}: {why}")),
            );
        }
    }
    eprintln!("pairs: {count}");
    assert!(count > 0 && wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Where a finding says something else than the report does.
fn differs(ours: &Finding, theirs: &Value) -> Option<String> {
    let word = |severity: assay_model::finding::Severity| Value::from(severity as u8);
    let severities: serde_json::Map<String, Value> =
        ours.severities.iter().map(|(by, severity)| (by.clone(), word(*severity))).collect();
    let vendor_ids = theirs["VendorIDs"].as_array().cloned().unwrap_or_default();
    let origin = ours.origin.as_ref().map(|origin| (origin.id.as_str(), origin.name.as_str(), origin.url.as_str()));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let source = &theirs["DataSource"];
    let stated = (text(&source["ID"]), text(&source["Name"]), text(&source["URL"]));
    let scores = |name: &str| {
        theirs["CVSS"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(by, s)| Some((by.clone(), s[name].as_f64()?)))
            .collect::<Vec<_>>()
    };
    let our_scores: Vec<(String, f64)> =
        ours.cvss.iter().filter_map(|(by, cvss)| Some((by.clone(), cvss.v3_score?))).collect();
    [
        ("severity", ours.severity.as_str() == theirs["Severity"]),
        ("severity source", ours.severity_source.as_deref().unwrap_or_default() == text(&theirs["SeveritySource"])),
        ("status", ours.status.as_str() == theirs["Status"]),
        ("vendor severities", Value::Object(severities.clone()) == theirs["VendorSeverity"]),
        ("vendor ids", ours.vendor_ids.iter().map(String::as_str).eq(vendor_ids.iter().filter_map(Value::as_str))),
        ("origin", origin.unwrap_or_default() == (stated.0.as_str(), stated.1.as_str(), stated.2.as_str())),
        ("scores", our_scores == scores("V3Score")),
    ]
    .into_iter()
    .find(|(_, same)| !same)
    .map(|(what, _)| format!("{what} differs: {ours:?}"))
}
