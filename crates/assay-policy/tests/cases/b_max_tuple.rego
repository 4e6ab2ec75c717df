package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := max([[7, "z"], [7.5, "b"], [1, "c"]])
