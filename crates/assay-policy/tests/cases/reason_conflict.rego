package cloudsmith

default match := false

match if input.v0.package.name == "requests"

reason := x if some x in ["a", "b"]
