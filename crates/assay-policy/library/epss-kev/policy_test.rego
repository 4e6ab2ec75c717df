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

listed(ransomware) := with_found({
	"epss": null,
	"kev": {"cve": "CVE-2026-1", "date_added": "2026-02-03", "ransomware": ransomware},
})

test_probable_exploitation_is_refused if {
	assay.match with input as bad
	assay.reason == {"CVE-2026-1 in engine 2.0 has an EPSS score of 0.7; fixed in 2.1"} with input as bad
}

test_the_threshold_is_part_of_it if {
	assay.match with input as bad with data.assay.score as 0.7
	not assay.match with input as bad with data.assay.score as 0.71
	not assay.match with input as bad with data.assay.score as 0
}

test_percentiles_are_another_way if {
	not assay.match with input as bad with data.assay.score as 0
	assay.reason == {"CVE-2026-1 in engine 2.0 has an EPSS percentile of 0.99; fixed in 2.1"} with input as bad
		with data.assay.score as 0
		with data.assay.percentile as 0.95
}

test_known_exploitation_is_refused if {
	assay.match with input as listed(false)
	assay.reason == {"CVE-2026-1 in engine 2.0 is exploited: in CISA's catalogue since 2026-02-03; fixed in 2.1"} with input as listed(false)
	not assay.match with input as listed(false) with data.assay.kev as false
}

test_ransomware_is_told_and_can_be_all if {
	assay.reason == {"CVE-2026-1 in engine 2.0 is exploited: in CISA's catalogue since 2026-02-03, used by ransomware; fixed in 2.1"} with input as listed(true)
	assay.match with input as listed(true) with data.assay.ransomware_only as true
	not assay.match with input as listed(false) with data.assay.ransomware_only as true
}

test_what_nothing_is_known_of_passes if not assay.match with input as with_found({"epss": null})

test_without_a_fix if {
	unfixed := with_found({"nearest_fixed": null, "patched_versions": []})
	assay.reason == {"CVE-2026-1 in engine 2.0 has an EPSS score of 0.7; no fixed version is known"} with input as unfixed
	not assay.match with input as unfixed with data.assay.only_with_fix as true
	assay.match with input as bad with data.assay.only_with_fix as true
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
