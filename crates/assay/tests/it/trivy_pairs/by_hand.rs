//! What the fixture's database says of distributions that have no pair, read out of it by hand.

use super::packages::{Package, System};
use super::{Row, World};
use anyhow::Result;
use assay_model::finding::{Severity, Status};
use assay_testkit::make::bolt::Bucket;

type Case = (&'static str, &'static str, Vec<Package>, &'static [(&'static str, &'static str, &'static str)]);

fn rpm(name: &str, version: &str, release: &str) -> Package {
    Package::rpm(name, version, release)
}

/// Family, release, packages, and what is to be found.
fn cases() -> Vec<Case> {
    vec![
        (
            "alma",
            "8.5",
            vec![rpm("openssl-libs", "1.1.1k", "4.el8").epoch(1).from("openssl")],
            &[("CVE-2021-3712", "openssl-libs", "1:1.1.1k-5.el8_5")],
        ),
        ("alma", "8.5", vec![rpm("openssl-libs", "1.1.1k", "4.module_el8.4.0+2521").epoch(1)], &[]),
        (
            "rocky",
            "8.5",
            vec![rpm("openssl-libs", "1.1.1k", "4.el8").epoch(1).from("openssl")],
            &[("CVE-2021-3712", "openssl-libs", "1:1.1.1k-5.el8_5")],
        ),
        (
            "rocky",
            "8.5",
            vec![Package { arch: "aarch64".into(), ..rpm("openssl-libs", "1.1.1k", "4.el8").epoch(1) }],
            &[],
        ),
        (
            "oracle",
            "8.0",
            vec![rpm("curl", "7.61.1", "8.el8")],
            &[("CVE-2019-3823", "curl", "7.61.1-11.el8"), ("CVE-2019-5436", "curl", "7.61.1-12.el8")],
        ),
        (
            "oracle",
            "8.0",
            vec![rpm("curl", "7.61.1", "8.ksplice1.el8"), rpm("libcurl", "7.61.1", "8.el8").from("curl")],
            &[],
        ),
        (
            "photon",
            "3.0",
            vec![rpm("bash", "4.4.18", "1.ph3"), rpm("curl-libs", "7.61.1", "4.ph3").from("curl")],
            &[("CVE-2019-18276", "bash", "4.4.18-2.ph3"), ("CVE-2019-5481", "curl-libs", "7.61.1-5.ph3")],
        ),
        (
            "opensuse.leap",
            "15.1",
            vec![
                rpm("libopenssl1_1", "1.1.0i", "lp151.8.3.1").from("openssl-1_1"),
                rpm("openssl-1_1", "1.1.0i", "lp151.8.3.1"),
            ],
            &[
                ("openSUSE-SU-2020:0062-1", "libopenssl1_1", "1.1.0i-lp151.8.6.1"),
                ("openSUSE-SU-2020:0062-1", "openssl-1_1", "1.1.0i-lp151.8.6.1"),
            ],
        ),
        (
            "opensuse.tumbleweed",
            "20240607",
            vec![rpm("libopenssl3", "3.1.4", "9.1").from("openssl-3")],
            &[("openSUSE-SU-2024:13065-1", "libopenssl3", "3.1.5-9.1")],
        ),
        (
            "suse linux enterprise server",
            "15.3",
            vec![rpm("libopenssl1_1", "1.1.1d", "150200.11.40.1").from("openssl-1_1")],
            &[("SUSE-SU-2022:2251-1", "libopenssl1_1", "1.1.1d-150200.11.48.1")],
        ),
        (
            "slem",
            "5.3",
            vec![rpm("libopenssl1_1", "1.1.1l", "150400.7.16.1")],
            &[("SUSE-SU-2023:0311-1", "libopenssl1_1", "1.1.1l-150400.7.22.1")],
        ),
        ("slem", "5.4", vec![rpm("libopenssl1_1", "1.1.1l", "150400.7.16.1")], &[]),
        (
            "cbl-mariner",
            "1.0.20220122",
            vec![rpm("vim", "8.2.4081", "1.cm1")],
            &[("CVE-2022-0158", "vim", "8.2.4082-1.cm1"), ("CVE-2022-0261", "vim", "")],
        ),
        ("amazon", "AMI release 2018.03", vec![rpm("curl", "7.61.1", "12.93.amzn1")], &[]),
        (
            "amazon",
            "2018.03",
            vec![rpm("curl", "7.61.1", "11.90.amzn1")],
            &[("CVE-2019-5436", "curl", "7.61.1-11.91.amzn1"), ("CVE-2019-5481", "curl", "7.61.1-12.93.amzn1")],
        ),
        (
            "amazon",
            "2 (Karoo)",
            vec![rpm("bind-export-libs", "9.11.4", "26.P2.amzn2.5.2").epoch(99)],
            &[("CVE-2022-38177", "bind-export-libs", "99:9.11.4-26.P2.amzn2.13")],
        ),
        (
            "centos",
            "6.10",
            vec![rpm("glibc", "2.12", "1.212.el6"), rpm("openssl", "1.0.1e", "57.el6")],
            &[("CVE-2020-29573", "glibc", ""), ("CVE-2019-1559", "openssl", "1.0.1e-58.el6_10")],
        ),
        (
            "centos",
            "7.6.1810",
            vec![rpm("openssl-libs", "1.0.2k", "16.el7").epoch(1).from("openssl"), rpm("bash", "4.2.46", "31.el7")],
            &[
                ("CVE-2018-0734", "openssl-libs", "1:1.0.2k-19.el7"),
                ("CVE-2019-1559", "openssl-libs", "1:1.0.2k-19.el7"),
                ("CVE-2019-18276", "bash", ""),
            ],
        ),
        ("redhat", "7.7", vec![Package { arch: "s390x".into(), ..rpm("bash", "4.2.46", "33.el7") }], &[]),
        ("redhat", "8.1", vec![rpm("bash", "4.4.19", "10.el8")], &[]),
        (
            "debian",
            "9.9",
            vec![
                rpm("bash", "4.4-5", ""),
                rpm("libssl1.1", "1.1.0k-1~deb9u1", "").from("openssl"),
                rpm("libcomerr2", "1.43.4-2", "").from("e2fsprogs"),
            ],
            &[
                ("CVE-2019-18276", "bash", ""),
                ("CVE-2019-1551", "libssl1.1", ""),
                ("CVE-2019-1563", "libssl1.1", "1.1.0l-1~deb9u1"),
                ("CVE-2019-5094", "libcomerr2", "1.43.4-2+deb9u1"),
            ],
        ),
        (
            "ubuntu",
            "18.04",
            vec![
                rpm("bash", "4.4.18-2ubuntu1.2", ""),
                rpm("e2fsprogs", "1.44.1-1ubuntu1.1", ""),
                rpm("libext2fs2", "1.44.1-1ubuntu1.2", "").from("e2fsprogs"),
            ],
            &[("CVE-2019-18276", "bash", ""), ("CVE-2019-5094", "e2fsprogs", "1.44.1-1ubuntu1.2")],
        ),
        ("ubuntu", "22.04", vec![rpm("bash", "5.1-6ubuntu1", "")], &[("CVE-2022-3715", "bash", "")]),
        (
            "alpine",
            "3.9.4",
            vec![rpm("musl", "1.1.20-r4", ""), rpm("libssl1.1", "1.1.1b-r1", "").from("openssl")],
            &[
                ("CVE-2019-14697", "musl", "1.1.20-r5"),
                ("CVE-2019-1549", "libssl1.1", "1.1.1d-r0"),
                ("CVE-2019-1551", "libssl1.1", "1.1.1d-r2"),
            ],
        ),
        ("alpine", "edge", vec![rpm("git", "2.35.1-r2", "")], &[("CVE-2022-24765", "git", "2.35.2-r0")]),
    ]
}

#[tokio::test]
async fn distributions_without_a_pair() -> Result<()> {
    let Some(world) = World::of_fixture().await? else { return Ok(()) };
    let mut wrong = Vec::new();
    for (family, version, packages, expected) in cases() {
        let expected: std::collections::BTreeSet<Row> = expected
            .iter()
            .map(|(id, package, fix)| ((*id).to_owned(), (*package).to_owned(), (*fix).to_owned()))
            .collect();
        let found = world.rows(&System::new(family, version), &packages).await?;
        if found != expected {
            wrong.push(format!("{family} {version}: {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn status_and_severity_are_the_distributions() -> Result<()> {
    let Some(world) = World::of_fixture().await? else { return Ok(()) };
    let one = |found: Vec<(String, assay_model::finding::Finding)>| found.into_iter().next().map(|(_, f)| f);
    let debian = world.findings(&System::new("debian", "9.9"), &[rpm("bash", "4.4-5", "")]).await?;
    let debian = one(debian).ok_or_else(|| anyhow::anyhow!("nothing found"))?;
    assert_eq!(
        (debian.status, debian.severity, debian.severity_source.as_deref()),
        (Status::EndOfLife, Severity::Low, Some("debian"))
    );
    assert_eq!(debian.severities.get("debian"), Some(&Severity::Low));
    let centos = world.findings(&System::new("centos", "6.10"), &[rpm("glibc", "2.12", "1.212.el6")]).await?;
    let centos = one(centos).ok_or_else(|| anyhow::anyhow!("nothing found"))?;
    assert_eq!((centos.status, centos.severity_source.as_deref()), (Status::EndOfLife, Some("redhat")));
    Ok(())
}

/// Entries that the fixture does not have: modules, and a package that a later database no longer calls affected.
#[tokio::test]
async fn modules_are_packages_of_their_own() -> Result<()> {
    let mut database = Bucket::default();
    database
        .bucket("alma 8")
        .bucket("nodejs:12::npm")
        .put("CVE-2026-1", r#"{"FixedVersion":"1:6.14.11-1.module_el8.4.0+1"}"#);
    database.bucket("alma 8").bucket("npm").put("CVE-2026-2", r#"{"FixedVersion":"1:9-1.el8"}"#);
    let world = World::over(database.file(4096)).await?;
    let system = System::new("alma", "8.4");
    let npm = |label: &str, release: &str| Package {
        modularitylabel: label.to_owned(),
        ..rpm("npm", "6.14.10", release).epoch(1)
    };
    let ids = async |package: Package| -> Result<Vec<String>> {
        Ok(world.rows(&system, &[package]).await?.into_iter().map(|(id, ..)| id).collect())
    };
    assert_eq!(ids(npm("nodejs:12:8030020201124152102:229f0a1c", "1.module_el8.3.0+1")).await?, ["CVE-2026-1"]);
    assert_eq!(ids(npm("nodejs:14:8030020201124152102:229f0a1c", "1.module_el8.3.0+1")).await?, [""; 0]);
    assert_eq!(ids(npm("", "1.module_el8.3.0+1")).await?, [""; 0], "which stream it is cannot be told");
    assert_eq!(ids(npm("", "1.el8")).await?, ["CVE-2026-2"]);
    Ok(())
}

#[tokio::test]
async fn what_a_later_database_lacks_is_gone() -> Result<()> {
    let of = |entries: &[&str]| {
        let mut database = Bucket::default();
        entries
            .iter()
            .for_each(|id| database.bucket("alpine 3.20").bucket("musl").put(id, r#"{"FixedVersion":"1.3-r0"}"#));
        database.file(4096)
    };
    let world = World::over(of(&["CVE-2026-1", "CVE-2026-2"])).await?;
    let (system, musl) = (System::new("alpine", "3.20.1"), [rpm("musl", "1.2-r0", "")]);
    assert_eq!(world.rows(&system, &musl).await?.len(), 2);
    let report = world.import(of(&["CVE-2026-2"])).await?;
    let counts = report.sources.get("trivy-db").cloned().unwrap_or_default();
    assert_eq!((counts.withdrawn, counts.unchanged), (1, 1));
    assert_eq!(world.rows(&system, &musl).await?.into_iter().map(|row| row.0).collect::<Vec<_>>(), ["CVE-2026-2"]);
    let report = world.import(of(&["CVE-2026-1", "CVE-2026-2"])).await?;
    assert_eq!(report.sources.get("trivy-db").map(|counts| counts.changed), Some(1), "it can come back");
    assert_eq!(world.rows(&system, &musl).await?.len(), 2);
    Ok(())
}
