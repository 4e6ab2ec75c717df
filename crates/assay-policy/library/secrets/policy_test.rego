package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

secret(severity, path) := document({"secrets": [{
	"rule": "aws-access-key-id",
	"title": "AWS access key",
	"severity": severity,
	"path": path,
	"first_line": 7,
}]})

bad := secret("CRITICAL", "parcel/settings.py")

test_a_secret_is_refused_with_its_place if {
	assay.match with input as bad
	assay.reason == {"AWS access key in parcel/settings.py, line 7"} with input as bad
}

test_lesser_ones_pass if {
	not assay.match with input as secret("MEDIUM", "parcel/settings.py")
	assay.match with input as secret("MEDIUM", "parcel/settings.py") with data.assay.severity as "LOW"
	not assay.match with input as secret("UNKNOWN", "parcel/settings.py") with data.assay.severity as "LOW"
}

test_tests_have_false_ones if {
	not assay.match with input as secret("CRITICAL", "parcel/tests/keys.py")
	assay.match with input as secret("CRITICAL", "parcel/tests/keys.py") with data.assay.paths as set()
}

test_rules_can_be_left_out if not assay.match with input as bad with data.assay.rules as {"aws-access-key-id"}

test_nothing_found_passes if not assay.match with input as document({"secrets": []})

test_only_in_its_repositories if {
	assay.match with input as bad with data.assay.repositories as {"ma*"}
	not assay.match with input as bad with data.assay.repositories as {"prod-*"}
}

test_exempt_packages_pass if {
	not assay.match with input as bad with data.assay.exempt as {"pypi:parcel"}
	not assay.match with input as bad with data.assay.exempt as {"*:parcel:1.*"}
	assay.match with input as bad with data.assay.exempt as {"npm:parcel", "pypi:parcel:2.0"}
}
