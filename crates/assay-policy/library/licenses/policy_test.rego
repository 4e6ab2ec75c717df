package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

# As the document tells it.
ways := {
	"MIT OR MPL-2.0": [["MIT"], ["MPL-2.0"]],
	"MPL-1.1 OR MPL-2.0": [["MPL-1.1"], ["MPL-2.0"]],
	"MIT AND MPL-2.0": [["MIT", "MPL-2.0"]],
	"(MIT OR MPL-2.0) AND ISC": [["MIT", "ISC"], ["MPL-2.0", "ISC"]],
	"(MIT AND MPL-2.0) OR (ISC AND MPL-1.1)": [["MIT", "MPL-2.0"], ["ISC", "MPL-1.1"]],
	"ISC OR MIT": [["ISC"], ["MIT"]],
	"ISC AND MIT": [["ISC", "MIT"]],
}

declared(expression, class) := {
	"expression": expression,
	"choices": [{"terms": terms} | some terms in object.get(ways, expression, [[expression]])],
	"class": class,
	"evidence": "declared",
	"confidence": 100,
	"path": "METADATA",
	"layer": null,
	"package_name": "parcel",
	"purl": "pkg:pypi/parcel@1.0",
	"is_subject": true,
}

of(licenses) := document({"licenses": licenses, "os": null, "completeness": {"inventoried": true}})

one(expression, class) := of([declared(expression, class)])

bad := one("AGPL-3.0-only", "forbidden")

test_classes_are_refused if {
	assay.match with input as bad
	assay.reason == {"parcel is under AGPL-3.0-only, whose class is forbidden"} with input as bad
	assay.match with input as one("GPL-3.0-only", "restricted")
}

test_others_pass if {
	not assay.match with input as one("MIT", "notice")
	not assay.match with input as one("MPL-2.0", "reciprocal")
	not assay.match with input as of([])
}

test_ids_are_refused if {
	assay.reason == {"parcel is under MPL-2.0, and MPL-2.0 is denied"} with input as one("MPL-2.0", "reciprocal")
		with data.assay.denied as {"MPL-*"}
	not assay.match with input as one("MIT", "notice") with data.assay.denied as {"MPL-*"}
}

test_a_choice_is_a_way_out if {
	not assay.match with input as one("MIT OR MPL-2.0", "notice") with data.assay.denied as {"MPL-*"}
	assay.match with input as one("MPL-1.1 OR MPL-2.0", "reciprocal") with data.assay.denied as {"MPL-*"}
	assay.match with input as one("MIT AND MPL-2.0", "reciprocal") with data.assay.denied as {"MPL-*"}
	not assay.match with input as one("(MIT OR MPL-2.0) AND ISC", "notice") with data.assay.denied as {"MPL-*"}
	assay.match with input as one("(MIT OR MPL-2.0) AND ISC", "notice") with data.assay.denied as {"MPL-*", "ISC"}
	assay.match with input as one("(MIT AND MPL-2.0) OR (ISC AND MPL-1.1)", "notice") with data.assay.denied as {"MPL-*"}
}

test_an_allow_list_refuses_the_rest if {
	assay.reason == {"parcel is under ISC, which is not among the allowed licences"} with input as one("ISC", "notice")
		with data.assay.allowed as {"MIT", "Apache-*"}
	not assay.match with input as one("MIT", "notice") with data.assay.allowed as {"MIT", "Apache-*"}
	not assay.match with input as one("ISC OR MIT", "notice") with data.assay.allowed as {"MIT", "Apache-*"}
	assay.match with input as one("ISC AND MIT", "notice") with data.assay.allowed as {"MIT", "Apache-*"}
}

test_an_exception_goes_with_its_licence if {
	exception := one("GPL-2.0-only WITH Classpath-exception-2.0", "unknown")
	assay.match with input as exception with data.assay.denied as {"GPL-2.0-only"}
	assay.match with input as exception with data.assay.denied as {"* WITH Classpath-exception-2.0"}
	not assay.match with input as exception with data.assay.denied as {"GPL-3.0-only"}
	not assay.match with input as exception with data.assay.allowed as {"GPL-2.0-only WITH Classpath-exception-2.0"}
	assay.match with input as exception with data.assay.allowed as {"MIT"}
}

test_accepted_expressions_pass if {
	exception := "GPL-2.0-only WITH Classpath-exception-2.0"
	assay.match with input as one(exception, "restricted")
	not assay.match with input as one(exception, "restricted") with data.assay.accepted as {exception}
}

test_undeclared if {
	not assay.match with input as of([])
	assay.reason == {"parcel 1.0 declares no licence"} with input as of([]) with data.assay.undeclared as true
	not assay.match with input as one("MIT", "notice") with data.assay.undeclared as true
}

test_files_count_when_they_are_sure if {
	file := object.union(declared("AGPL-3.0-only", "forbidden"), {"evidence": "text", "path": "COPYING", "package_name": null, "purl": null, "is_subject": false})
	assay.reason == {"COPYING is under AGPL-3.0-only, whose class is forbidden"} with input as of([file])
	not assay.match with input as of([object.union(file, {"confidence": 80})])
	not assay.match with input as of([object.union(file, {"evidence": "header"})])
	not assay.match with input as of([object.union(file, {"layer": "sha256:00"})])
	assay.match with input as of([object.union(file, {"layer": "sha256:00"})]) with data.assay.operating_system as true
}

test_the_operating_system_does_not_count_unless_asked_for if {
	shell := object.union(declared("GPL-3.0-or-later", "restricted"), {"package_name": "bash", "purl": "pkg:deb/debian/bash@5.2", "layer": "sha256:00", "is_subject": false})
	not assay.match with input as of([shell])
	assay.match with input as of([shell]) with data.assay.operating_system as true
	assay.match with input as of([object.union(shell, {"purl": "pkg:npm/bash@5.2"})])
}

test_components_can_be_left_out if {
	not assay.match with input as bad with data.assay.components as {"pkg:pypi/parcel@*"}
	assay.match with input as bad with data.assay.components as {"pkg:npm/parcel@*"}
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
