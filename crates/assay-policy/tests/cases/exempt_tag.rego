package cloudsmith

default match := false

exempt if {
	some tag in input.v0.package.tags
	tag.name == "approved"
}

match if not exempt
