package cloudsmith

default match := false

match if {
	published := time.parse_rfc3339_ns(input.v0.package.upstream_metadata.published_at)
	published <= time.add_date(time.now_ns(), 0, 0, -3)
}
