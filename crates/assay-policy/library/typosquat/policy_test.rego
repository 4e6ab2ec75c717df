package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

near(distance, rank) := document({
	"upstream": null,
	"popularity": {"similar": [{"name": "parcels", "rank": rank, "distance": distance}]},
})

bad := near(1, 7)

test_a_near_name_is_refused_and_the_popular_one_named if {
	assay.match with input as bad
	assay.reason == {"parcel looks like parcels, which is number 7 among the most used packages; is that the one you want?"} with input as bad
}

test_far_names_pass if {
	not assay.match with input as near(2, 7)
	assay.match with input as near(2, 7) with data.assay.distance as 2
}

test_names_near_to_what_few_use_pass if not assay.match with input as near(1, 5001)

test_popular_names_pass if not assay.match with input as document({"upstream": null, "popularity": {"similar": []}})

test_short_names_pass if not assay.match with input as bad with data.assay.min_length as 7

test_only_what_came_from_an_upstream if {
	not assay.match with input as bad with data.assay.only_upstream as true
	brought := {"v1": object.union(bad.v1, {"upstream": {"name": "everyone"}})}
	assay.match with input as brought with data.assay.only_upstream as true
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
