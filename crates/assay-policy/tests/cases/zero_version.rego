package cloudsmith

default match := false

match if startswith(input.v0.package.version, "0.")
