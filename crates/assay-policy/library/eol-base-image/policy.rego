# Refuses images whose operating system is no longer maintained.
package assay

import rego.v1

# settings of eol-base-image

# Only the operating system; else everything in the image whose end of life is known
only_base := true

# Only images; else packages of all formats
only_images := true

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

reason contains sprintf("%s %s is no longer maintained: %s", [found.package_name, found.package_version, found.title]) if {
	kind
	some found in input.v1.end_of_life
	concerns(found.package_name)
}

kind if not only_images

kind if input.v1.format == "oci"

concerns(_) if not only_base

concerns(name) if name == input.v1.os.id

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
