package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

found := {
	"identifier": "CVE-2026-1",
	"aliases": ["GHSA-0000-0000-0001"],
	"title": "Anyone can read everything",
	"severity": "CRITICAL",
	"score": 9.8,
	"epss": {"score": 0.7, "percentile": 0.99},
	"kev": null,
	"ssvc": null,
	"package_name": "engine",
	"package_version": "2.0",
	"patched_versions": ["2.1"],
	"nearest_fixed": "2.1",
}

with_found(changes) := document({"vulnerabilities": [object.union(found, changes)]})

said(exploitation, automatable, impact) := with_found({"ssvc": {
	"exploitation": exploitation,
	"automatable": automatable,
	"technical_impact": impact,
}})

bad := said("active", "no", "partial")

test_active_exploitation_is_refused if {
	assay.match with input as bad
	assay.reason == {"CVE-2026-1 in engine 2.0: exploitation active (SSVC); fixed in 2.1"} with input as bad
}

test_examples_pass_unless_asked_for if {
	not assay.match with input as said("poc", "yes", "total")
	assay.match with input as said("poc", "yes", "total") with data.assay.exploitation as "poc"
	assay.match with input as bad with data.assay.exploitation as "poc"
}

test_none_and_unknown_pass if {
	not assay.match with input as said("none", "yes", "total") with data.assay.exploitation as "poc"
	not assay.match with input as with_found({}) with data.assay.exploitation as "poc"
}

test_only_what_can_be_automated if {
	not assay.match with input as bad with data.assay.only_automatable as true
	assay.match with input as said("active", "yes", "partial") with data.assay.only_automatable as true
}

test_only_what_gives_full_control if {
	not assay.match with input as bad with data.assay.only_total as true
	assay.match with input as said("active", "no", "total") with data.assay.only_total as true
}

test_no_fix_is_not_told if {
	unfixed := {"v1": object.union(bad.v1, {"vulnerabilities": [object.union(bad.v1.vulnerabilities[0], {"nearest_fixed": null})]})}
	assay.reason == {"CVE-2026-1 in engine 2.0: exploitation active (SSVC)"} with input as unfixed
}

test_what_does_not_count_goes_by_any_id if {
	not assay.match with input as bad with data.assay.ignored as {"CVE-2026-1"}
	not assay.match with input as bad with data.assay.ignored as {"GHSA-0000-0000-0001"}
	assay.match with input as bad with data.assay.ignored as {"CVE-2026-2"}
}

test_only_in_its_repositories if {
	assay.match with input as bad with data.assay.repositories as {"ma*"}
	not assay.match with input as bad with data.assay.repositories as {"prod-*"}
}

test_exempt_packages_pass if {
	not assay.match with input as bad with data.assay.exempt as {"pypi:parcel"}
	not assay.match with input as bad with data.assay.exempt as {"*:parcel:1.*"}
	assay.match with input as bad with data.assay.exempt as {"npm:parcel", "pypi:parcel:2.0"}
}
