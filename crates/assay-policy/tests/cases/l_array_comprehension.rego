package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := [y | some x in [1, 2]; y := x * 2]
