package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

bad := document({"upstream": {"name": "everyone"}})

test_own_names_from_outside_are_refused if {
	assay.match with input as bad with data.assay.names as {"par*"}
	assay.match with input as bad with data.assay.names as {"pypi:parcel"}
	assay.reason == {"parcel is one of our own names (par*), and this one came from the upstream everyone"} with input as bad
		with data.assay.names as {"par*"}
}

test_own_names_published_here_pass if {
	not assay.match with input as document({"upstream": null}) with data.assay.names as {"par*"}
}

test_other_names_pass if {
	not assay.match with input as bad
	not assay.match with input as bad with data.assay.names as {"acme-*", "npm:parcel"}
}

test_named_upstreams_may if not assay.match with input as bad with data.assay.names as {"par*"} with data.assay.upstreams as {"everyone"}

test_only_in_its_repositories if {
	assay.match with input as bad with data.assay.repositories as {"ma*"} with data.assay.names as {"*"}
	not assay.match with input as bad with data.assay.repositories as {"prod-*"} with data.assay.names as {"*"}
}
