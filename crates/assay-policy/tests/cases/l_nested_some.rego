package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%s %s", [found.identifier, source]) if {
	some found in input.v0.vulnerabilities
	some source, cvss in found.cvss
	cvss.V3Score == 7.5
}
