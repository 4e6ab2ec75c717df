package cloudsmith

default match := false

match if count(reason) > 0

reason contains found.VulnerabilityID if {
	some target in input.v0.security_scan
	some found in target.Vulnerabilities
	found.CVSS[_].V3Score > 7
	published := time.parse_rfc3339_ns(found.PublishedDate)
	published < time.now_ns() - (((30 * 24) * 3600) * 1000000000)
}
