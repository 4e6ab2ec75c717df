# Refuses packages of which not everything could be read.
package assay

import rego.v1

# settings of incomplete-inventory

# Why something was not read: limit, encrypted, corrupt, unsafe-path, unsupported
reasons := {
	"corrupt",
	"encrypted",
	"limit",
	"unsafe-path",
}

# Files that do not count, with *
paths := set()

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

reason contains sprintf("%s was not read (%s): %s", [skipped.path, skipped.reason, skipped.detail]) if {
	some skipped in input.v1.completeness.skipped
	skipped.reason in reasons
	not left_out(skipped.path)
}

reason contains "not every file of it was looked into" if not input.v1.completeness.inventoried

left_out(path) if {
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
