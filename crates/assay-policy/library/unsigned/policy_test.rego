package assay_test

import rego.v1

import data.assay

base := {
	"format": "pypi",
	"repository": {"name": "main"},
	"package": {"name": "parcel", "version": "1.0"},
}

document(more) := {"v1": object.union(base, more)}

good := {
	"kind": "signature",
	"form": "cosign",
	"verified": true,
	"signer": "release@corp.example",
	"source": null,
	"detail": null,
}

built := object.union(good, {"kind": "provenance", "form": "dsse", "source": "git.example/corp/parcel"})

image(signatures) := document({
	"format": "oci",
	"signatures": signatures,
	"provenance": [one | some one in signatures; one.kind == "provenance"],
})

bad := image([])

test_no_signature_is_refused if {
	assay.match with input as bad
	assay.reason == {"no signature came with parcel"} with input as bad
}

test_a_verified_one_passes if not assay.match with input as image([good])

test_one_that_does_not_hold_is_refused if {
	assay.reason == {"no signature counts: cosign could not be verified: another key"} with input as image([object.union(good, {"verified": false, "detail": "another key"})])
	assay.reason == {"no signature counts: cosign was not checked, as no trusted key or identity is configured for it"} with input as image([object.union(good, {"verified": null})])
}

test_any_signature_will_do_if_so_asked if {
	not assay.match with input as image([object.union(good, {"verified": null})]) with data.assay.verified as false
	assay.match with input as bad with data.assay.verified as false
}

test_the_signer_can_be_named if {
	not assay.match with input as image([good]) with data.assay.signers as {"*@corp.example"}
	assay.reason == {"no signature counts: cosign is by release@corp.example, who is not among the signers"} with input as image([good])
		with data.assay.signers as {"*@other.example"}
}

test_provenance_is_asked_for if {
	not assay.match with input as image([good, built]) with data.assay.provenance as true
	assay.reason == {"no statement of how parcel was built came with it"} with input as image([good])
		with data.assay.provenance as true
	not assay.match with input as image([built]) with data.assay.provenance as true with data.assay.signature as false
}

test_the_source_can_be_named if {
	not assay.match with input as image([good, built]) with data.assay.provenance as true
		with data.assay.sources as {"git.example/corp/*"}
	assay.reason == {"no statement of how it was built counts: dsse says that it was built from git.example/corp/parcel"} with input as image([good, built])
		with data.assay.provenance as true
		with data.assay.sources as {"git.example/other/*"}
}

test_other_formats_pass if {
	python := {"v1": object.union(bad.v1, {"format": "pypi"})}
	not assay.match with input as python
	assay.match with input as python with data.assay.formats as {"pypi"}
}

test_signatures_need_none if {
	speaking := object.union(bad, {"v1": object.union(bad.v1, {"speaks_of": "sha256:aa"})})
	not assay.match with input as speaking
	quiet := object.union(bad, {"v1": object.union(bad.v1, {"speaks_of": null})})
	assay.match with input as quiet
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
