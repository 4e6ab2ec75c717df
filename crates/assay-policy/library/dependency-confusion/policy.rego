# Refuses your own names when they come from an upstream.
package assay

import rego.v1

# settings of dependency-confusion

# Your own names, with *: acme-*, @acme/*, or with a format, maven:com.acme:*
names := set()

# Upstreams that may bring them, by name
upstreams := set()

# Only in repositories with these names, with *; empty for all
repositories := set()

# end of settings

default match := false

match if {
	in_scope
	count(reason) > 0
}

reason contains text if {
	source := input.v1.upstream.name
	not source in upstreams
	some pattern in names
	some name in {input.v1["package"].name, sprintf("%s:%s", [input.v1.format, input.v1["package"].name])}
	glob.match(pattern, null, name)
	text := sprintf("%s is one of our own names (%s), and this one came from the upstream %s", [input.v1["package"].name, pattern, source])
}

in_scope if count(repositories) == 0

in_scope if {
	some pattern in repositories
	glob.match(pattern, null, input.v1.repository.name)
}
