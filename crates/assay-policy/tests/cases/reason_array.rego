package cloudsmith

default match := false

match := true

reason := ["b", "a", "a"]
