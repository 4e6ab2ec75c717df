package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %v %v", [abs(-3), round(-2.4), sum([1, 2, 3, 4])])
