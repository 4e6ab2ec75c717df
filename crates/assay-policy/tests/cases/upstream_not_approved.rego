package cloudsmith

default match := false

names := {tag.name | some tag in input.v0.package.tags}

match if {
	"upstream" in names
	not "approved" in names
}
