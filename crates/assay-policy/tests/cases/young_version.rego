package cloudsmith

default match := false

match if {
	input.v0.package.format == "npm"
	published := time.parse_rfc3339_ns(input.v0.package.upstream_metadata.published_at)
	time.add_date(published, 0, 0, 14) > time.now_ns()
}
