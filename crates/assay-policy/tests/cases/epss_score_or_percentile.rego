package cloudsmith

default match := false

likely(epss) if epss.score >= 0.5

likely(epss) if epss.percentile >= 0.95

match if count(reason) > 0

reason contains found.identifier if {
	some found in input.v0.vulnerabilities
	likely(found.epss)
}
