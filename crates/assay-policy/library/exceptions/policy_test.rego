package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

listed := document({})

test_listed_packages_match if {
	assay.match with input as listed with data.assay.listed as {"pypi:parcel:1.0"}
	assay.reason == {"pypi:parcel 1.0 is on the list of exceptions (pypi:parcel)"} with input as listed
		with data.assay.listed as {"pypi:parcel"}
}

test_others_do_not if {
	not assay.match with input as listed
	not assay.match with input as listed with data.assay.listed as {"pypi:parcel:2.0", "npm:parcel"}
}

test_only_in_its_repositories if {
	assay.match with input as listed with data.assay.repositories as {"ma*"} with data.assay.listed as {"*"}
	not assay.match with input as listed with data.assay.repositories as {"prod-*"} with data.assay.listed as {"*"}
}
