package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

now := time.parse_rfc3339_ns("2026-11-22T00:00:00Z")

arrived(published, rank) := document({
	"upstream": {"name": "everyone"},
	"published_at": published,
	"first_seen": "2026-11-01T00:00:00Z",
	"popularity": {"known": true, "rank": rank},
})

bad := arrived("2026-11-20T10:00:00Z", null)

test_young_and_unpopular_is_refused if {
	assay.match with input as bad with time.now_ns as now
	assay.reason == {"parcel is not among the 10000 most used packages, and 1.0 was published on 2026-11-20, less than 30 days ago"} with input as bad
		with time.now_ns as now
}

test_popular_passes if not assay.match with input as arrived("2026-11-20T10:00:00Z", 10000) with time.now_ns as now

test_little_used_is_refused if assay.match with input as arrived("2026-11-20T10:00:00Z", 10001) with time.now_ns as now

test_old_passes if not assay.match with input as arrived("2026-10-22T00:00:00Z", null) with time.now_ns as now

test_without_a_catalogue_passes if {
	unknown := {"v1": object.union(bad.v1, {"popularity": {"known": false, "rank": null}})}
	not assay.match with input as unknown with time.now_ns as now
}

test_published_here_passes if {
	not assay.match with input as {"v1": object.union(bad.v1, {"upstream": null})} with time.now_ns as now
}

test_unknown_age_counts_from_arrival if {
	assay.match with input as arrived(null, null) with time.now_ns as now
	assay.reason == {"parcel is not among the 10000 most used packages, and came here less than 30 days ago; when 1.0 was published is unknown"} with input as arrived(null, null)
		with time.now_ns as now
	not assay.match with input as arrived(null, null) with time.now_ns as now with data.assay.days as 21
}

test_unknown_age_can_be_held if {
	assay.reason == {"parcel is not among the 10000 most used packages, and when 1.0 was published is unknown"} with input as arrived(null, null)
		with time.now_ns as now
		with data.assay.unknown_is_young as true
}

test_only_in_its_repositories if {
	assay.match with input as bad with time.now_ns as now with data.assay.repositories as {"ma*"}
	not assay.match with input as bad with time.now_ns as now with data.assay.repositories as {"prod-*"}
}

test_exempt_packages_pass if {
	not assay.match with input as bad with time.now_ns as now with data.assay.exempt as {"pypi:parcel"}
	not assay.match with input as bad with time.now_ns as now with data.assay.exempt as {"*:parcel:1.*"}
	assay.match with input as bad with time.now_ns as now with data.assay.exempt as {"npm:parcel", "pypi:parcel:2.0"}
}
