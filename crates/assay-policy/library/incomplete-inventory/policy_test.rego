package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

skipping(skipped) := document({"completeness": {"inventoried": true, "skipped": skipped}})

locked := {"path": "lib/locked.zip", "reason": "encrypted", "detail": "it needs a password"}

bad := skipping([locked])

test_what_was_not_read_is_named if {
	assay.match with input as bad
	assay.reason == {"lib/locked.zip was not read (encrypted): it needs a password"} with input as bad
}

test_a_complete_one_passes if not assay.match with input as skipping([])

test_other_reasons_pass if {
	not assay.match with input as skipping([object.union(locked, {"reason": "unsupported"})])
	not assay.match with input as bad with data.assay.reasons as {"corrupt"}
}

test_files_can_be_left_out if {
	not assay.match with input as bad with data.assay.paths as {"lib/*.zip"}
	assay.match with input as bad with data.assay.paths as {"*.jar"}
}

test_no_inventory_is_refused if {
	assay.reason == {"not every file of it was looked into"} with input as document({"completeness": {"inventoried": false, "skipped": []}})
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
