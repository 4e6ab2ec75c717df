package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

scored(score, checks) := document({"scorecard": {
	"repository": "git.example/corp/parcel",
	"score": score,
	"checks": checks,
}})

bad := scored(2.9, {})

unscored := document({"scorecard": null})

test_a_low_score_is_refused if {
	assay.match with input as bad
	assay.reason == {"git.example/corp/parcel has an OpenSSF Scorecard of 2.9; 3 is needed"} with input as bad
}

test_a_good_score_passes if {
	not assay.match with input as scored(3, {})
	not assay.match with input as bad with data.assay.score as 0
}

test_single_checks if {
	assay.reason == {"git.example/corp/parcel has 0 for Dangerous-Workflow; 5 is needed"} with input as scored(8, {"Dangerous-Workflow": 0, "Fuzzing": 0})
		with data.assay.checks as {"Dangerous-Workflow": 5, "Signed-Releases": 5}
	not assay.match with input as scored(8, {"Dangerous-Workflow": -1}) with data.assay.checks as {"Dangerous-Workflow": 5}
}

test_archived_projects if {
	not assay.match with input as scored(8, {"Maintained": 0})
	assay.reason == {"git.example/corp/parcel is archived, or nothing has happened there for 90 days"} with input as scored(8, {"Maintained": 0})
		with data.assay.archived as true
	not assay.match with input as scored(8, {"Maintained": 1}) with data.assay.archived as true
}

test_unknown_projects if {
	not assay.match with input as unscored
	assay.reason == {"no OpenSSF Scorecard is known for parcel"} with input as unscored with data.assay.unknown as true
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
