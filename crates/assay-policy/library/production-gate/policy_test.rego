package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "prod"},
	"labels": {"environment": "production"},
	"package": {"name": "parcel", "version": "1.0"},
	"tags": ["approved", "latest"],
	"vulnerabilities": [],
	"malware": [],
	"secrets": [],
	"completeness": {"complete": true},
}

document(more) := {"v1": object.union(base, more)}

vulnerable(score, kev) := document({"vulnerabilities": [{
	"identifier": "CVE-2026-1",
	"package_name": "engine",
	"package_version": "2.0",
	"score": score,
	"kev": kev,
}]})

bad := document({"tags": []})

test_what_is_approved_and_sound_passes if not assay.match with input as document({})

test_approval_is_needed if {
	assay.match with input as bad
	assay.reason == {"it is not approved for production: none of its tags is approved"} with input as bad
	not assay.match with input as bad with data.assay.approvals as set()
	assay.match with input as bad with data.assay.approvals as {"released"}
}

test_other_repositories_are_not_guarded if {
	test := {"v1": object.union(object.remove(bad.v1, ["labels"]), {"labels": {"environment": "test"}})}
	not assay.match with input as test
	not assay.match with input as {"v1": object.union(object.remove(bad.v1, ["labels"]), {"labels": {}})}
	assay.match with input as test with data.assay.value as "test"
}

test_vulnerabilities_stop_it if {
	assay.reason == {"CVE-2026-1 in engine 2.0: CVSS 9.8"} with input as vulnerable(9.8, null)
	not assay.match with input as vulnerable(8.9, null)
	not assay.match with input as vulnerable(null, null)
	assay.match with input as vulnerable(8.9, null) with data.assay.threshold as 7
}

test_exploited_ones_stop_it_whatever_their_score if {
	assay.reason == {"CVE-2026-1 in engine 2.0 is exploited"} with input as vulnerable(null, {"cve": "CVE-2026-1"})
}

test_malware_stops_it if {
	assay.reason == {"engine 2.0 is malware: MAL-2026-1"} with input as document({"malware": [{"identifier": "MAL-2026-1", "package_name": "engine", "package_version": "2.0"}]})
}

test_secrets_stop_it if {
	secret := {"title": "AWS access key", "path": "settings.py", "first_line": 3, "severity": "HIGH"}
	assay.reason == {"AWS access key in settings.py, line 3"} with input as document({"secrets": [secret]})
	not assay.match with input as document({"secrets": [object.union(secret, {"severity": "LOW"})]})
	not assay.match with input as document({"secrets": [secret]}) with data.assay.secrets as false
}

test_what_could_not_be_read_stops_it if {
	assay.reason == {"not everything in it could be read"} with input as document({"completeness": {"complete": false}})
	not assay.match with input as document({"completeness": {"complete": false}}) with data.assay.complete as false
}

test_exempt_packages_pass if {
	not assay.match with input as bad with data.assay.exempt as {"pypi:parcel"}
	not assay.match with input as bad with data.assay.exempt as {"*:parcel:1.*"}
	assay.match with input as bad with data.assay.exempt as {"npm:parcel", "pypi:parcel:2.0"}
}
