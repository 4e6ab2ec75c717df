package cloudsmith

default match := false

ignored := {"CVE-2000-0001"}

match if count(reason) > 0

reason contains found.VulnerabilityID if {
	input.v0.repository.name == "main"
	some target in input.v0.security_scan
	some found in target.Vulnerabilities
	found.FixedVersion
	found.Status == "fixed"
	not found.VulnerabilityID in ignored
	some _, score in found.CVSS
	score.V3Score > 7
}
