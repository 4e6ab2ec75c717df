package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%s: %s", [component.name, id]) if {
	some component in input.v0.sbom.components
	some entry in component.licenses
	id := entry.license.id
	startswith(id, "GPL-")
}
