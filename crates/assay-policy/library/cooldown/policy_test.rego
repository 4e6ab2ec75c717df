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

released(at) := document({
	"upstream": {"name": "everyone"},
	"published_at": at,
	"first_seen": "2026-11-21T09:00:00Z",
})

bad := released("2026-11-20T10:00:00Z")

test_young_versions_are_held_and_told_until_when if {
	assay.match with input as bad with time.now_ns as now
	assay.reason == {"parcel 1.0 was published on 2026-11-20; it is held back for 7 days, until 2026-11-27"} with input as bad
		with time.now_ns as now
}

test_old_versions_pass if {
	not assay.match with input as released("2026-11-15T00:00:00Z") with time.now_ns as now
	not assay.match with input as bad with time.now_ns as time.add_date(now, 0, 0, 6)
}

test_what_is_published_here_passes if {
	own := {"v1": object.union(bad.v1, {"upstream": null})}
	not assay.match with input as own with time.now_ns as now
	assay.match with input as own with time.now_ns as now with data.assay.only_upstream as false
}

test_unknown_age_counts_from_arrival if {
	assay.reason == {"parcel 1.0 was taken in here on 2026-11-21; it is held back for 7 days, until 2026-11-28"} with input as released(null)
		with time.now_ns as now
}

test_unknown_age_can_be_held if {
	assay.match with input as released(null) with time.now_ns as now with data.assay.unknown as "hold"
	assay.reason == {"when parcel 1.0 was published is unknown"} with input as released(null)
		with time.now_ns as now
		with data.assay.unknown as "hold"
}

test_unknown_age_can_pass if {
	not assay.match with input as released(null) with time.now_ns as now with data.assay.unknown as "pass"
}

test_age_can_count_from_arrival if {
	old := released("2020-01-01T00:00:00Z")
	not assay.match with input as old with time.now_ns as now
	assay.match with input as old with time.now_ns as now with data.assay.since as "arrived"
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
