package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s: %s (%s, %d%%)", [found.path, found.expression, found.evidence, found.confidence]) if {
	some found in input.v1.licenses
	found.class == "forbidden"
}
