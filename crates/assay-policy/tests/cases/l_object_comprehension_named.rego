package cloudsmith

default match := false

doubled := {k: w | some k, v in {"a": 1}; w := v * 2}

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := doubled
