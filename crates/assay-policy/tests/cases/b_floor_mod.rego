package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%d %d", [floor(3.9), 7 % 3])
