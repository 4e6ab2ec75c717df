# Refuses packages that hardly anybody uses and that were published a short time ago.
package assay

import rego.v1

# settings of popularity-age

# Young is what was published fewer days ago
days := 30

# Unpopular is what comes after this place of the catalogue, or is not in it
rank := 10000

# Whether a package whose age is unknown counts as young; else its age counts from its arrival
unknown_is_young := false

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
	unpopular
	published := input.v1.published_at
	young(published)
	text := sprintf("%s is not among the %d most used packages, and %s was published on %s, less than %d days ago", [input.v1["package"].name, rank, input.v1["package"].version, substring(published, 0, 10), days])
}

reason contains text if {
	unpopular
	input.v1.published_at == null
	not unknown_is_young
	young(input.v1.first_seen)
	text := sprintf("%s is not among the %d most used packages, and came here less than %d days ago; when %s was published is unknown", [input.v1["package"].name, rank, days, input.v1["package"].version])
}

reason contains text if {
	unpopular
	input.v1.published_at == null
	unknown_is_young
	text := sprintf("%s is not among the %d most used packages, and when %s was published is unknown", [input.v1["package"].name, rank, input.v1["package"].version])
}

unpopular if {
	input.v1.upstream.name
	input.v1.popularity.known
	not popular
}

popular if {
	input.v1.popularity.rank != null
	input.v1.popularity.rank <= rank
}

young(moment) if time.now_ns() < time.add_date(time.parse_rfc3339_ns(moment), 0, 0, days)

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
