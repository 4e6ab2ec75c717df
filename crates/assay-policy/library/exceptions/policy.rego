# Lets listed packages pass all later policies.
package assay

import rego.v1

# settings of exceptions

# Packages that pass: format:name or format:name:version, with *
listed := set()

# Only in repositories with these names, with *; empty for all
repositories := set()

# end of settings

default match := false

match if {
	in_scope
	count(reason) > 0
}

reason contains sprintf("%s %s is on the list of exceptions (%s)", [own_name, input.v1["package"].version, pattern]) if {
	some pattern in listed
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
