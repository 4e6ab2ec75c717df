package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

ended(name, format) := document({
	"format": format,
	"os": {"id": "debian", "version": "9"},
	"end_of_life": [{"package_name": name, "package_version": "9", "title": "Debian 9 has reached its end of life"}],
})

bad := ended("debian", "oci")

test_an_old_base_is_refused if {
	assay.match with input as bad
	assay.reason == {"debian 9 is no longer maintained: Debian 9 has reached its end of life"} with input as bad
}

test_a_maintained_base_passes if {
	not assay.match with input as {"v1": object.union(bad.v1, {"end_of_life": []})}
}

test_what_is_on_it_counts_if_so_asked if {
	not assay.match with input as ended("django", "oci")
	assay.match with input as ended("django", "oci") with data.assay.only_base as false
}

test_packages_count_if_so_asked if {
	framework := {"v1": object.union(ended("django", "pypi").v1, {"os": null})}
	not assay.match with input as framework with data.assay.only_base as false
	assay.match with input as framework with data.assay.only_base as false with data.assay.only_images as false
}

test_only_in_its_repositories if {
	assay.match with input as bad with data.assay.repositories as {"ma*"}
	not assay.match with input as bad with data.assay.repositories as {"prod-*"}
}

test_exempt_packages_pass if {
	not assay.match with input as bad with data.assay.exempt as {"oci:parcel"}
	not assay.match with input as bad with data.assay.exempt as {"*:parcel:1.*"}
	assay.match with input as bad with data.assay.exempt as {"npm:parcel", "oci:parcel:2.0"}
}
