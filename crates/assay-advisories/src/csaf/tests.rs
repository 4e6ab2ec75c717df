#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{Shelf, parse, zip_of};

fn document() -> Value {
    let product = |id: &str, purl: &str| json!({"category": "product_version", "name": id, "product": {"product_id": id, "name": id, "product_identification_helper": {"purl": purl}}});
    let release = |id: &str, cpe: &str| json!({"category": "product_name", "name": id, "product": {"product_id": id, "name": id, "product_identification_helper": {"cpe": cpe}}});
    let within = |part: &str, whole: &str| {
        json!({"category": "default_component_of", "product_reference": part, "relates_to_product_reference": whole,
        "full_product_name": {"product_id": format!("{whole}:{part}"), "name": "x"}})
    };
    json!({
        "document": {"csaf_version": "2.0", "category": "csaf_vex", "publisher": {"name": "Red Hat Product Security", "namespace": "https://www.redhat.com"},
            "aggregate_severity": {"text": "Moderate"}, "tracking": {"current_release_date": "2024-03-01T00:00:00+00:00"}},
        "product_tree": {"branches": [{"category": "vendor", "name": "v", "branches": [
                product("bash-0:5.1-6.el9.x86_64", "pkg:rpm/redhat/bash@5.1-6.el9?arch=x86_64"),
                product("bash-0:5.1-6.el9.src", "pkg:rpm/redhat/bash@5.1-6.el9?arch=src"),
                product("nodejs-1:12.el8.x86_64", "pkg:rpm/redhat/nodejs@12.el8?arch=x86_64&epoch=1"),
                product("nodejs:12", "pkg:rpmmod/redhat/nodejs@12:8030:abc"),
                product("bash", "pkg:rpm/redhat/bash"), product("curl", "pkg:rpm/redhat/curl"),
                release("BaseOS-9", "cpe:/o:redhat:enterprise_linux:9::baseos"), release("AppStream-8", "cpe:/a:redhat:enterprise_linux:8::appstream"),
                release("rhel7", "cpe:/o:redhat:enterprise_linux:7"), release("eus", "cpe:/o:redhat:rhel_eus:9.2::baseos")]}],
            "relationships": [within("bash-0:5.1-6.el9.x86_64", "BaseOS-9"), within("bash-0:5.1-6.el9.src", "BaseOS-9"),
                within("bash-0:5.1-6.el9.x86_64", "eus"), within("nodejs-1:12.el8.x86_64", "nodejs:12"),
                json!({"category": "default_component_of", "product_reference": "nodejs:12:nodejs-1:12.el8.x86_64", "relates_to_product_reference": "AppStream-8",
                    "full_product_name": {"product_id": "AppStream-8:nodejs:12:nodejs", "name": "x"}}),
                within("bash", "rhel7"), within("curl", "rhel7")]},
        "vulnerabilities": [{"cve": "CVE-2024-0001", "title": "bash: bad", "cwe": {"id": "CWE-787"}, "release_date": "2024-01-01T00:00:00+00:00",
            "notes": [{"category": "description", "text": "It is bad."}],
            "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}, "products": ["rhel7:bash"]}],
            "product_status": {"fixed": ["BaseOS-9:bash-0:5.1-6.el9.x86_64", "BaseOS-9:bash-0:5.1-6.el9.src", "eus:bash-0:5.1-6.el9.x86_64", "AppStream-8:nodejs:12:nodejs"],
                "known_affected": ["rhel7:bash"], "under_investigation": ["rhel7:curl"]},
            "remediations": [{"category": "vendor_fix", "url": "https://access.example/errata/RHSA-2024:0001", "product_ids": ["BaseOS-9:bash-0:5.1-6.el9.x86_64"]},
                {"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["rhel7:bash"]}],
            "threats": [{"category": "impact", "details": "Important", "product_ids": ["BaseOS-9:bash-0:5.1-6.el9.x86_64"]}]}]
    })
}

#[test]
fn what_is_done_about_each_package() {
    let bytes = document().to_string();
    assert!(Csaf.recognizes("cve-2024-1.json", &bytes.as_bytes()[..bytes.len().min(4096)]));
    let kept = parse(&Csaf, "cve-2024-1.json", bytes.as_bytes()).unwrap();
    let advisory = &kept.advisories[0].0;
    assert_eq!(advisory.id, "csaf/red-hat-product-security/CVE-2024-0001");
    assert_eq!(advisory.severity[0].kind, "CVSS_V3");
    let told: Vec<_> = advisory
        .affected
        .iter()
        .map(|one| {
            let said = Statement::of(one).unwrap();
            let fixed = one.ranges[0].events.get(1).and_then(|event| event.fixed.clone()).unwrap_or_default();
            (
                one.package.ecosystem.as_str(),
                one.package.name.as_str(),
                fixed,
                said.status,
                said.severity,
                said.vendor_ids.join(" "),
            )
        })
        .collect();
    let own = str::to_owned;
    assert_eq!(
        told,
        [
            ("Red Hat:7", "bash", own(""), Some(Status::WillNotFix), Some(Severity::Medium), own("")),
            ("Red Hat:7", "curl", own(""), Some(Status::UnderInvestigation), Some(Severity::Medium), own("")),
            ("Red Hat:8", "nodejs:12::nodejs", own("1:12.el8"), None, Some(Severity::Medium), own("")),
            ("Red Hat:9", "bash", own("5.1-6.el9"), None, Some(Severity::High), own("RHSA-2024:0001")),
        ]
    );
}

#[test]
fn other_documents_are_set_aside() {
    for text in ["{}", "[1]", "nonsense", r#"{"document": {"publisher": {"name": "x"}}, "vulnerabilities": 7}"#] {
        let kept = parse(&Csaf, "x.json", text.as_bytes()).unwrap();
        assert!(kept.advisories.is_empty());
    }
}

const BASE: &str = "https://csaf.example/vex";

fn published(changes: &str) -> Shelf {
    let mut net = Shelf::new();
    net.put(&format!("{BASE}/changes.csv"), changes);
    net.put(&format!("{BASE}/archive_latest.txt"), "csaf_2024.zip\n");
    net.put(
        &format!("{BASE}/csaf_2024.zip"),
        zip_of(&[("2024/cve-2024-0001.json", document().to_string().as_bytes())]),
    );
    net.put(&format!("{BASE}/2024/cve-2024-0002.json"), "{}");
    net.put(&format!("{BASE}/2024/cve-2024-0003.json"), "{}");
    net
}

async fn names(net: &Shelf, since: Option<&Cursor>) -> Option<(Vec<String>, Cursor)> {
    match Csaf.fetch(net, BASE, since).await.unwrap() {
        Fetched::Unchanged => None,
        Fetched::Batch { files, cursor } => Some((files.into_iter().map(|(name, _)| name).collect(), cursor)),
    }
}

#[tokio::test]
async fn first_the_archive_then_what_changed() {
    let first = "\"2024/cve-2024-0001.json\",\"2024-03-01T00:00:00+00:00\"\n";
    let net = published(first);
    let (files, cursor) = names(&net, None).await.unwrap();
    assert_eq!((files, cursor.0.as_str()), (vec!["csaf_2024.zip".to_owned()], "2024-03-01T00:00:00+00:00"));
    assert!(names(&net, Some(&cursor)).await.is_none());
    let later = format!(
        "\"2024/cve-2024-0003.json\",\"2024-05-01T00:00:00+00:00\"\n\"2024/cve-2024-0002.json\",\"2024-04-01T00:00:00+00:00\"\n\"../x.json\",\"2024-04-02T00:00:00+00:00\"\n{first}"
    );
    let net = published(&later);
    let (files, cursor) = names(&net, Some(&cursor)).await.unwrap();
    assert_eq!(files, ["2024/cve-2024-0002.json", "2024/cve-2024-0003.json"], "the oldest first, nothing outside");
    assert_eq!(cursor.0, "2024-05-01T00:00:00+00:00");
    let mut broken = published(&later);
    broken.files.remove(&format!("{BASE}/2024/cve-2024-0003.json"));
    assert!(Csaf.fetch(&broken, BASE, Some(&Cursor("2024-03-01T00:00:00+00:00".into()))).await.is_err());
    assert_eq!(broken.spooled(), 0, "nothing is left behind");
}
