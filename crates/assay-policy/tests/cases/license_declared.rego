package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s: %s", [found.package_name, found.expression]) if {
	some found in input.v1.licenses
	found.evidence == "declared"
	found.class == "restricted"
}
