package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%s %s %s", [type_name([]), type_name(set()), type_name({})])
