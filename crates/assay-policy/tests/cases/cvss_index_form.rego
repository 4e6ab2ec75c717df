package cloudsmith

default match := false

match if count(reason) > 0

reason contains id if {
	id := input.v0["security_scan"][i].Vulnerabilities[j].VulnerabilityID
	input.v0.security_scan[i].Vulnerabilities[j].CVSS[_].V3Score > 7
}
