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

bad := with_found({})

test_a_severe_one_with_a_fix_is_refused if {
	assay.match with input as bad
	assay.reason == {"CVE-2026-1 in engine 2.0: CVSS 9.8; upgrade to 2.1"} with input as bad
}

test_the_threshold_is_part_of_it if {
	assay.match with input as bad with data.assay.threshold as 9.8
	not assay.match with input as bad with data.assay.threshold as 9.9
}

test_lesser_ones_pass if not assay.match with input as with_found({"score": 8.9})

test_without_a_fix_it_passes_unless_asked_for if {
	unfixed := with_found({"nearest_fixed": null, "patched_versions": []})
	not assay.match with input as unfixed
	assay.reason == {"CVE-2026-1 in engine 2.0: CVSS 9.8; no fixed version is known"} with input as unfixed
		with data.assay.only_with_fix as false
}

test_a_fix_on_another_line_is_a_fix if {
	other := with_found({"nearest_fixed": null, "patched_versions": ["1.9.1", "1.8.7"]})
	assay.reason == {"CVE-2026-1 in engine 2.0: CVSS 9.8; fixed in 1.9.1, 1.8.7"} with input as other
}

test_severity_counts_where_there_is_no_score if {
	assay.reason == {"CVE-2026-1 in engine 2.0: CRITICAL; upgrade to 2.1"} with input as with_found({"score": null})
	not assay.match with input as with_found({"score": null, "severity": "HIGH"})
	not assay.match with input as with_found({"score": null}) with data.assay.unscored as set()
}

test_nothing_found_passes if not assay.match with input as document({"vulnerabilities": []})

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
