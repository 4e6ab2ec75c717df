# Refuses packages that contain keys, tokens or passwords.
package assay

import rego.v1

# settings of secrets

# Severity from which on a secret is refused
severity := "HIGH"

# Rules that do not count, by their ids
rules := set()

# Files that do not count, with *
paths := {
	"*/test/*",
	"*/testdata/*",
	"*/tests/*",
}

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

ranks := {"LOW": 1, "MEDIUM": 2, "HIGH": 3, "CRITICAL": 4}

reason contains sprintf("%s in %s, line %d", [found.title, found.path, found.first_line]) if {
	some found in input.v1.secrets
	ranks[found.severity] >= ranks[severity]
	not found.rule in rules
	not expected(found.path)
}

expected(path) if {
	some pattern in paths
	glob.match(pattern, null, path)
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
