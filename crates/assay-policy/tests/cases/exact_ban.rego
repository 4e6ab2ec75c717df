package cloudsmith

default match := false

banned := [{"name": "requests", "version": "2.6.0"}]

match if {
	some entry in banned
	entry.name == input.v0.package.name
	entry.version == input.v0.package.version_orig
}
