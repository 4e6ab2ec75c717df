package cloudsmith

default match := false

match if count(reason) > 0

reason contains found.identifier if {
	some found in input.v0.vulnerabilities
	found.severity == "HIGH"
	found.epss.score > 0.1
	count(found.patched_versions) > 0
}
