package cloudsmith

default match := false

match if count(reason) > 0

reason contains found.identifier if {
	some found in input.v0.vulnerabilities
	found.severity in {"HIGH", "CRITICAL"}
	time.now_ns() - time.parse_rfc3339_ns(found.published_date) > ((7 * 86400) * 1000000000)
}
