package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := object.get(input.v0.package, "nothing", "fallback")
