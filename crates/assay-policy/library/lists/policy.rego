# Refuses packages by name, version and repository; or all but those that are listed.
package assay

import rego.v1

# settings of lists

# Packages that are refused: format:name or format:name:version, with *
blocked := set()

# The only packages that are let through, written the same way; empty for all
allowed := set()

# Only in repositories with these names, with *; empty for all
repositories := set()

# end of settings

default match := false

match if {
	in_scope
	count(reason) > 0
}

reason contains sprintf("%s %s is on the block list (%s)", [own_name, input.v1["package"].version, pattern]) if {
	some pattern in blocked
	listed(pattern)
}

reason contains sprintf("%s %s is not on the allow list", [own_name, input.v1["package"].version]) if {
	count(allowed) > 0
	not on_allow_list
}

on_allow_list if {
	some pattern in allowed
	listed(pattern)
}

listed(pattern) if {
	some name in own_names
	glob.match(pattern, null, name)
}

own_name := sprintf("%s:%s", [input.v1.format, input.v1["package"].name])

own_names := {own_name, sprintf("%s:%s", [own_name, input.v1["package"].version])}

in_scope if count(repositories) == 0

in_scope if {
	some pattern in repositories
	glob.match(pattern, null, input.v1.repository.name)
}
