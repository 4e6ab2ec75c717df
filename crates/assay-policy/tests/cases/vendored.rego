package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s in %s: %s", [found.name, found.vendored_in, found.licenses[0].class]) if {
	some found in input.v1.components
	found.vendored_in != null
}
