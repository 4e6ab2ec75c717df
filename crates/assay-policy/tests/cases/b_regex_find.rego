package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := regex.find_n(`\d+`, "a1b22c333", 2)
