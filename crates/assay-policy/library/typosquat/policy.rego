# Refuses names that are nearly those of popular packages.
package assay

import rego.v1

# settings of typosquat

# Most edits between the names that are refused
distance := 1

# Popular are the first of the catalogue, up to this place
rank := 5000

# Shorter names are not looked at: many are alike by chance
min_length := 5

# Only packages that came from an upstream
only_upstream := false

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
	concerned
	some popular in input.v1.popularity.similar
	popular.distance <= distance
	popular.rank <= rank
	text := sprintf("%s looks like %s, which is number %d among the most used packages; is that the one you want?", [input.v1["package"].name, popular.name, popular.rank])
}

concerned if {
	count(input.v1["package"].name) >= min_length
	brought
}

brought if not only_upstream

brought if input.v1.upstream.name

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
