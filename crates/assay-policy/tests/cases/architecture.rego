package cloudsmith

default match := false

match if count(reason) > 0

reason contains architecture.name if {
	some architecture in input.v0.package.architectures
	architecture.name != "amd64"
}
