package cloudsmith

default match := false

match if {
	some tag in input.v0.package.tags
	tag.name == "legacy"
}
