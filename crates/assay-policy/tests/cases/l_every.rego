package cloudsmith

default match := false

match if every found in input.v0.vulnerabilities {
	found.severity == "LOW"
}
