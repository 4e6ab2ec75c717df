package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %d", [[y | some x in [1, 2]; y := x * 2], count({k: v | some k, v in {"a": 1, "b": 2}})])
