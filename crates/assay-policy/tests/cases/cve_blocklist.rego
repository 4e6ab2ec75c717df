package cloudsmith

default match := false

blocked := {"CVE-2024-35195"}

match if count(reason) > 0

reason contains found.identifier if {
	some found in input.v0.vulnerabilities
	found.identifier in blocked
}

reason contains found.VulnerabilityID if {
	some target in input.v0.security_scan
	some found in target.Vulnerabilities
	found.VulnerabilityID in blocked
}
