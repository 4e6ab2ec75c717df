//! Expected results of another scanner: every line of the `cases.tsv` files below `$ASSAY_CORPUS/oracles` is run with the
//! real program on the same inputs and the same advisories, and its document compared with the one that is expected.
//!
//! Cases are found by listing, so that a larger corpus of the same shape is more cases. What is not compared, and why,
//! stands in `oracle/document.rs`.

#[path = "oracle/case.rs"]
mod case;
#[path = "oracle/document.rs"]
mod document;

use crate::support::ASSAY;
use anyhow::{Context, Result, bail};
use assay_testkit::{Run, corpus, make::trivy_db, skipped};
use case::Case;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// How long one scan may take, on a machine that also compiles.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder of oracles with its advisories imported, seen from where the expected documents were made.
struct Oracle {
    folder: PathBuf,
    home: TempDir,
}

impl Oracle {
    /// Imports the database that the folder's YAML describes.
    async fn new(folder: PathBuf) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let database = home.path().join("trivy.db");
        fs::write(&database, trivy_db::of_folder(&folder.join("db"))?)?;
        let seen = home.path().join("testdata");
        fs::create_dir(&seen)?;
        std::os::unix::fs::symlink(folder.canonicalize()?, seen.join("fixtures"))?;
        let oracle = Self { folder, home };
        oracle.assay()?.args(["feeds", "import"]).arg(&database).succeed().await?;
        Ok(oracle)
    }

    fn assay(&self) -> Result<Run> {
        let home = self.home.path();
        Ok(Run::new(ASSAY)?.current_dir(home).env("ASSAY_DATA", home.join("data")).limit(PATIENCE))
    }

    async fn check(&self, case: &Case) -> Result<()> {
        let expected = fs::read_to_string(self.folder.join(&case.golden))
            .with_context(|| format!("{} cannot be read", case.golden))?;
        let output = self.home.path().join("output");
        let _ = fs::remove_file(&output);
        self.assay()?.args(case.arguments(&self.folder)?).arg("--output").arg(&output).succeed().await?;
        let found = fs::read_to_string(&output)?;
        match case.format() {
            "sarif" => document::same_sarif(&expected, &found),
            "cyclonedx" => document::same_bill(&expected, &found),
            "json" => document::same_report(case, &expected, &found),
            other => bail!("no comparison is known for the format {other}"),
        }
    }
}

/// Folders that have a list of cases.
fn folders() -> Option<Vec<PathBuf>> {
    let root = corpus("oracles")?;
    let listing = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = listing.filter(|path| path.join("cases.tsv").is_file()).collect();
    folders.sort();
    Some(folders)
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[tokio::test]
async fn every_expected_document_is_reproduced() -> Result<()> {
    let Some(folders) = folders() else { return Ok(()) };
    if folders.is_empty() {
        skipped("no folder of the oracles has cases.tsv");
        return Ok(());
    }
    let only = std::env::var("ASSAY_ORACLE_ONLY").unwrap_or_default();
    let (mut run, mut failures) = (0, Vec::new());
    for folder in folders {
        let cases = case::list(&folder)?;
        let oracle = Oracle::new(folder).await?;
        for case in cases.iter().filter(|case| case.name().contains(&only)) {
            run += 1;
            if let Err(error) = oracle.check(case).await {
                failures.push(format!("{}: {error:#}", case.name()));
            }
        }
    }
    tell(&format!("oracle: {} of {run} cases reproduced", run - failures.len()));
    assert!(run > 0, "the lists have no case");
    assert!(failures.is_empty(), "{} of {run} differ:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

#[test]
fn options_are_ours() {
    let line = "g\trepo\trepo/x\t--skip-dirs=sub,b --skip-files **/y --severity HIGH --ignore-unfixed --vex v.json";
    let told = Case::of_line(line).unwrap().arguments(Path::new("nowhere")).unwrap().join(" ");
    let expected = "--skip-dirs sub,b --skip-files **/y --severity HIGH --ignore-unfixed --vex v.json --no-packages";
    assert!(told.ends_with(expected), "{told}");
    assert!(Case::of_line("g\trepo\tx\t--odd 1").unwrap().arguments(Path::new("nowhere")).is_err());
}

#[test]
fn a_difference_is_seen() {
    let report = r#"{"SchemaVersion": 2, "ReportID": "017b7d41-e09f-7000-80ea-000000000001",
        "CreatedAt": "2021-08-25T12:20:30Z", "Results": [{"Target": "a", "Packages": [{"Name": "x"}]}]}"#;
    let case = Case::of_line("golden/x.json.golden\trepo\trepo/x\t--list-all-pkgs").unwrap();
    assert!(document::same_report(&case, report, report).is_ok());
    let other = report.replace("\"x\"", "\"y\"");
    let told = document::same_report(&case, report, &other).unwrap_err().to_string();
    assert!(told.contains("/Results/0/Packages/0/Name") && told.contains('y'), "{told}");
    let undated = report.replace("2021-08-25T12:20:30Z", "yesterday");
    assert!(document::same_report(&case, report, &undated).is_err());
    assert!(document::same_sarif("{\"a\": 1}\n", "{\"a\": 2}\n").is_err());
    assert!(Path::new(ASSAY).is_file());
}
