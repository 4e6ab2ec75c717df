#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::parse;

const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates><update author="x" from="y" status="final" type="security" version="1.4"><id>ALAS2-2023-1</id><title>Amazon Linux 2 - ALAS2-2023-1: important priority package update for curl</title>
<issued date="2023-01-02 03:04:05" /><updated date="2023-02-03 00:00"/><severity>important</severity><description>Fixes &lt;things&gt;</description>
<references><reference href="https://alas.example/CVE-2023-0001" id="CVE-2023-0001" title="" type="cve"/><reference href="x" id="CVE-2023-0002" type="cve"/><reference id="bug" type="bugzilla"/></references>
<pkglist><collection short="amazon-linux"><name>Amazon Linux 2</name>
<package arch="x86_64" epoch="0" name="curl" release="1.amzn2" version="7.88"><filename>f</filename></package>
<package arch="aarch64" epoch="0" name="curl" release="1.amzn2" version="7.88"/>
<package arch="src" epoch="0" name="curl" release="1.amzn2" version="7.88"/>
<package arch="noarch" epoch="1" name="bind" release="2" version="9"/></collection></pkglist></update>
<update type="security"><id>RLSA-2021:1</id><references><reference id="CVE-2021-0001" type="cve"/></references><release>Rocky Linux 8</release>
<pkglist><collection><name>rocky-linux-8-appstream</name><module name="nodejs" stream="12" version="8030" context="c" arch="x86_64"/>
<package arch="x86_64" epoch="1" name="nodejs" release="1.module+el8" version="12.1"/></collection></pkglist></update>
<update type="bugfix"><id>ALAS2-2023-3</id></update><update><title>no id</title></update></updates>"#;

#[test]
fn an_announcement_is_an_entry_for_each_cve() {
    assert!(UpdateInfo.recognizes("updateinfo.xml", FILE.as_bytes()));
    let kept = parse(&UpdateInfo, "updateinfo.xml", FILE.as_bytes()).unwrap();
    let ids: Vec<&str> = kept.advisories.iter().map(|(one, _)| one.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "updateinfo/Amazon Linux:2/ALAS2-2023-1/CVE-2023-0001",
            "updateinfo/Amazon Linux:2/ALAS2-2023-1/CVE-2023-0002",
            "updateinfo/Rocky Linux:8/RLSA-2021:1/CVE-2021-0001"
        ]
    );
    let first = &kept.advisories[0].0;
    assert_eq!(
        (first.published.as_deref(), first.modified.as_str()),
        (Some("2023-01-02T03:04:05Z"), "2023-02-03T00:00:00Z")
    );
    let told: Vec<_> = first
        .affected
        .iter()
        .map(|one| {
            let said = Statement::of(one).unwrap();
            (one.package.name.as_str(), one.ranges[0].events[1].fixed.clone().unwrap(), said.arches, said.severity)
        })
        .collect();
    let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    assert_eq!(told[0], ("bind", "1:9-2".to_owned(), own(&["noarch"]), Some(Severity::High)));
    assert_eq!(told[1], ("curl", "7.88-1.amzn2".to_owned(), own(&["aarch64", "x86_64"]), Some(Severity::High)));
    assert_eq!(told.len(), 2, "sources are not installed");
    assert_eq!(kept.advisories[2].0.affected[0].package.name, "nodejs:12::nodejs");
    assert_eq!(kept.bad.len(), 1);
}

#[test]
fn a_file_may_be_cut_anywhere() {
    for end in 0..FILE.len() {
        let _ = parse(&UpdateInfo, "updateinfo.xml", &FILE.as_bytes()[..end]);
    }
}
