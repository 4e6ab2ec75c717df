package cloudsmith

default match := false

match if count(reason) > 0

reason contains found.VulnerabilityID if {
	some found in input.v0.vulnerabilities
	found.severity == "HIGH"
	found.epss_score > 0.1
}
