//! Samples of what distributions publish about their packages.

/// Names and texts of files.
pub(super) const SAMPLES: &[(&str, &str)] = &[
    (
        "main.json",
        r#"{"apkurl":"{{urlprefix}}/x","archs":["x86_64"],"reponame":"main","urlprefix":"https://packages.example/alpine","distroversion":"v3.18","packages":[{"pkg":{"name":"a","secfixes":{"1.0-r0":["CVE-2026-1 XSA-9","CVE-2026-2"],"0":["CVE-2026-3"],"1.1-r0":null}}},{"pkg":{"name":"b","secfixes":{}}}]}"#,
    ),
    (
        "tracker.json",
        r#"{"a":{"CVE-2026-1":{"description":"bad","scope":"remote","releases":{"bookworm":{"status":"resolved","repositories":{"bookworm":"3.0.9-1"},"fixed_version":"3.0.8-1","urgency":"not yet assigned"},"bullseye":{"status":"open","repositories":{"bullseye":"1.1"},"urgency":"low**","nodsa":"Minor","nodsa_reason":"ignored"}}},"TEMP-1":{"releases":{"sid":{"status":"undetermined","repositories":{},"urgency":"end-of-life"}}}}}"#,
    ),
    (
        "updateinfo.xml",
        "<?xml version=\"1.0\"?>\n<updates><update from=\"y\" status=\"final\" type=\"security\" version=\"1\"><id>ALAS2-2026-1</id><title>Amazon Linux 2 - a</title><issued date=\"2026-01-02 03:04:05\"/><updated date=\"2026-02-03 00:00\"/><severity>important</severity><description>Fixes &lt;things&gt; <![CDATA[x]]></description><references><reference href=\"https://x.example\" id=\"CVE-2026-1\" title=\"\" type=\"cve\"/></references><pkglist><collection short=\"amazon-linux\"><name>Amazon Linux 2</name><module name=\"m\" stream=\"1\" version=\"2\" context=\"c\" arch=\"x86_64\"/><package arch=\"x86_64\" epoch=\"1\" name=\"a\" release=\"1.amzn2\" version=\"7.88\"><filename>f</filename></package></collection></pkglist></update></updates>\n",
    ),
    (
        "cve-2026-1.json",
        r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","publisher":{"name":"Red Hat Product Security","namespace":"https://www.redhat.example"},"tracking":{"id":"CVE-2026-1","current_release_date":"2026-01-01T00:00:00Z","initial_release_date":"2026-01-01T00:00:00Z"},"aggregate_severity":{"text":"Moderate"}},"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[{"category":"product_family","name":"Red Hat Enterprise Linux","branches":[{"category":"product_name","name":"Red Hat Enterprise Linux 8","product":{"name":"Red Hat Enterprise Linux 8","product_id":"R8","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}}]},{"category":"product_version","name":"a-1.0-1.el8","product":{"name":"a-1.0-1.el8","product_id":"a-0:1.0-1.el8.src","product_identification_helper":{"purl":"pkg:rpm/redhat/a@1.0-1.el8?arch=src&epoch=0"}}}]}],"relationships":[{"category":"default_component_of","full_product_name":{"name":"x","product_id":"R8:a"},"product_reference":"a-0:1.0-1.el8.src","relates_to_product_reference":"R8"}]},"vulnerabilities":[{"cve":"CVE-2026-1","cwe":{"id":"CWE-1","name":"x"},"notes":[{"category":"description","text":"d"}],"product_status":{"fixed":["R8:a"],"known_affected":["R8"],"under_investigation":["?"]},"remediations":[{"category":"vendor_fix","details":"d","product_ids":["R8:a"],"url":"https://x.example"},{"category":"no_fix_planned","details":"Will not fix","product_ids":["R8"]}],"scores":[{"cvss_v3":{"baseScore":7.5,"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N","version":"3.1"},"products":["R8:a"]}],"threats":[{"category":"impact","details":"Moderate","product_ids":["R8:a"]}]}]}"#,
    ),
];
