package assay

default match := false

match if {
	some found in input.v1.secrets
	found.category == "Example"
	found.title == "Example key"
	found.layer == null
	found.last_line == 3
	not contains(found.matched, "secret")
}
