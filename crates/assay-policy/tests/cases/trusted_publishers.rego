package cloudsmith

default match := false

publishers := {"acme"}

publisher := split(input.v0.package.name, "/")[0]

match if {
	contains(input.v0.package.name, "/")
	not publisher in publishers
}

reason contains sprintf("%s is not trusted", [publisher]) if match
