# Holds versions back until they are some days old.
package assay

import rego.v1

# settings of cooldown

# How old a version must be
days := 7

# What its age counts from: published (by its author) or arrived (here)
since := "published"

# When its publication is unknown: count from when it arrived, hold it, or let it pass
unknown := "arrived"

# Only packages that came from an upstream
only_upstream := true

# Packages that it does not look at: format:name or format:name:version, with *
exempt := set()

# Only in repositories with these names, with *; empty for all
repositories := set()

# end of settings

default match := false

match if {
	in_scope
	not exempted
	count(reason) > 0
}

reason contains text if {
	brought
	some moment in start
	end := time.add_date(time.parse_rfc3339_ns(moment.at), 0, 0, days)
	time.now_ns() < end
	[year, month, day] := time.date(end)
	text := sprintf("%s %s was %s on %s; it is held back for %d days, until %d-%02d-%02d", [input.v1["package"].name, input.v1["package"].version, moment.what, substring(moment.at, 0, 10), days, year, month, day])
}

reason contains text if {
	brought
	since == "published"
	unknown == "hold"
	input.v1.published_at == null
	text := sprintf("when %s %s was published is unknown", [input.v1["package"].name, input.v1["package"].version])
}

brought if not only_upstream

brought if input.v1.upstream.name

start contains {"what": "published", "at": input.v1.published_at} if {
	since == "published"
	input.v1.published_at != null
}

start contains {"what": "taken in here", "at": input.v1.first_seen} if since == "arrived"

start contains {"what": "taken in here", "at": input.v1.first_seen} if {
	since == "published"
	unknown == "arrived"
	input.v1.published_at == null
}

in_scope if count(repositories) == 0

in_scope if {
	some pattern in repositories
	glob.match(pattern, null, input.v1.repository.name)
}

exempted if {
	some pattern in exempt
	some name in own_names
	glob.match(pattern, null, name)
}

own_name := sprintf("%s:%s", [input.v1.format, input.v1["package"].name])

own_names := {own_name, sprintf("%s:%s", [own_name, input.v1["package"].version])}
