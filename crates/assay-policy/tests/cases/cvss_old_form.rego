package cloudsmith

default match := false

match if count(reason) > 0

reason contains id if {
	some found in input.v0.security_scan.Vulnerabilities
	found.CVSS[_].V3Score > 7
	id := found.VulnerabilityID
}
