package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%s %d %.2f %v %v", ["a", 1, 1.5, true, ["x"]])
