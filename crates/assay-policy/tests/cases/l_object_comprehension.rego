package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := count({k: v | some k, v in {"a": 1, "b": 2}})
