package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s in %s, line %d (%s)", [found.rule, found.path, found.first_line, found.severity]) if {
	some found in input.v1.secrets
}
