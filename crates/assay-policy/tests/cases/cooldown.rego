package cloudsmith

default match := false

within_past_days := 3

supported_formats := {"npm", "python"}

excluded_repositories := {"scratch"}

match if count(reason) > 0

reason contains sprintf("%s %s is too young", [input.v0.package.name, input.v0.package.version]) if {
	not input.v0.package.is_local
	input.v0.package.format in supported_formats
	not input.v0.repository.slug in excluded_repositories
	published := time.parse_rfc3339_ns(input.v0.package.upstream_metadata.published_at)
	published > time.add_date(time.now_ns(), 0, 0, 0 - within_past_days)
}
