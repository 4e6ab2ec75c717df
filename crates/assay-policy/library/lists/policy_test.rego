package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

bad := document({})

image := document({"format": "oci", "package": {"name": "team/web", "version": "sha256:00"}})

test_everything_passes_while_the_lists_are_empty if not assay.match with input as bad

test_a_name_blocks_all_versions if {
	assay.match with input as bad with data.assay.blocked as {"pypi:parcel"}
	assay.reason == {"pypi:parcel 1.0 is on the block list (pypi:parcel)"} with input as bad
		with data.assay.blocked as {"pypi:parcel", "npm:parcel", "pypi:par"}
}

test_a_version_blocks_itself if {
	assay.match with input as bad with data.assay.blocked as {"pypi:parcel:1.*"}
	not assay.match with input as bad with data.assay.blocked as {"pypi:parcel:2.*"}
}

test_a_star_goes_over_slashes if assay.match with input as image with data.assay.blocked as {"oci:*/web"}

test_an_allow_list_refuses_the_rest if {
	not assay.match with input as bad with data.assay.allowed as {"pypi:parcel"}
	assay.match with input as image with data.assay.allowed as {"pypi:parcel"}
	assay.reason == {"oci:team/web sha256:00 is not on the allow list"} with input as image
		with data.assay.allowed as {"pypi:parcel"}
}

test_only_in_its_repositories if {
	assay.match with input as bad with data.assay.repositories as {"ma*"} with data.assay.blocked as {"*"}
	not assay.match with input as bad with data.assay.repositories as {"prod-*"} with data.assay.blocked as {"*"}
}
