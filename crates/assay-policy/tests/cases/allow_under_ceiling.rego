package cloudsmith

default match := false

allowed := {"left-pad:1.3.0", "requests:2.6.0"}

worst := max({0} | {cvss.V3Score | some found in input.v0.vulnerabilities; some _, cvss in found.cvss; cvss.V3Score != null})

match if {
	sprintf("%s:%s", [input.v0.package.name, input.v0.package.version]) in allowed
	worst < 7
}
