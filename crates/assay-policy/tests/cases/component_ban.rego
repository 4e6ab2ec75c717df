package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%s %s in %s", [c.name, c.version, c.path]) if {
	some c in input.v1.components
	c.type == "npm"
	c.name == "lodash"
}
