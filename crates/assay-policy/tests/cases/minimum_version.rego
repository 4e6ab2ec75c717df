package cloudsmith

default match := false

least := {"requests": "2.20.0"}

match if {
	semver.is_valid(input.v0.package.version)
	semver.compare(input.v0.package.version, least[input.v0.package.name]) < 0
}
