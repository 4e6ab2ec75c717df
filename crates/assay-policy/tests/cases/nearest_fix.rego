package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%s -> %s", [found.identifier, found.nearest_fixed]) if {
	some found in input.v1.vulnerabilities
	found.nearest_fixed
	found.status == "fixed"
}
