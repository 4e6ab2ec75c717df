# Refuses packages by licence: by SPDX id, by class, or what is not on a list.
package assay

import rego.v1

# settings of licenses

# SPDX ids that are refused, with *: AGPL-*, GPL-3.0-only
denied := set()

# Classes that are refused: forbidden, restricted (strong copyleft), reciprocal (weak copyleft), notice, permissive, unencumbered, unknown
denied_classes := {
	"forbidden",
	"restricted",
}

# The only SPDX ids that are let through, with *; empty for all that is not denied
allowed := set()

# Whole expressions that are let through in any case, as they are shown
accepted := set()

# Whether a package that declares no licence is refused
undeclared := false

# Whether the packages of an image's operating system count
operating_system := false

# What counts: declared (metadata), text (a file with the licence's text), header (a file's header)
evidence := {
	"declared",
	"text",
}

# How sure a licence in a file must be, in percent
confidence := 90

# Components that do not count, by package URL with *: pkg:npm/name@*
components := set()

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

reason contains sprintf("%s is under %s, whose class is %s", [whose(found), found.expression, found.class]) if {
	some found in considered
	found.class in denied_classes
}

reason contains sprintf("%s is under %s, and %s is denied", [whose(found), found.expression, concat(", ", sort(ids))]) if {
	some found in considered
	ids := unavoidable(found)
	count(ids) > 0
}

reason contains sprintf("%s is under %s, which is not among the allowed licences", [whose(found), found.expression]) if {
	count(allowed) > 0
	some found in considered
	not permitted(found)
}

reason contains sprintf("%s %s declares no licence", [input.v1["package"].name, input.v1["package"].version]) if {
	undeclared
	input.v1.completeness.inventoried
	input.v1.os == null
	count([1 | some found in input.v1.licenses; found.is_subject]) == 0
}

considered contains found if {
	some found in input.v1.licenses
	found.evidence in evidence
	found.confidence >= confidence
	not found.expression in accepted
	not of_system(found.purl, found.layer)
	not left_out(found.purl)
}

# The operating system's own packages, and files of an image that belong to no package.
of_system(purl, _) if {
	not operating_system
	some kind in {"pkg:deb/", "pkg:rpm/", "pkg:apk/", "pkg:alpm/"}
	startswith(purl, kind)
}

of_system(purl, layer) if {
	not operating_system
	purl == null
	layer != null
}

left_out(purl) if {
	some pattern in components
	glob.match(pattern, null, purl)
}

denied_in(terms) := {term |
	some term in terms
	some pattern in denied
	names(pattern, term)
}

# What is denied, where every choice has something that is.
unavoidable(found) := {term | some choice in found.choices; some term in denied_in(choice.terms)} if {
	every choice in found.choices {
		count(denied_in(choice.terms)) > 0
	}
}

permitted(found) if {
	some choice in found.choices
	every term in choice.terms {
		is_allowed(term)
	}
}

is_allowed(term) if {
	some pattern in allowed
	names(pattern, term)
}

# A licence with an exception goes by its id and by both: GPL-2.0-only, GPL-2.0-only WITH Classpath-exception-2.0.
names(pattern, term) if glob.match(pattern, null, term)

names(pattern, term) if glob.match(pattern, null, split(term, " WITH ")[0])

whose(found) := found.package_name if found.package_name != null

whose(found) := found.path if found.package_name == null

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
