package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s is %s, dev: %v", [found.name, found.relationship, found.dev]) if {
	some found in input.v1.components
	found.relationship != "unknown"
}
