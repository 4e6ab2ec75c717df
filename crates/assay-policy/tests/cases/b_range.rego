package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %v %v", [numbers.range(1, 3), numbers.range(3, 1), numbers.range_step(0, 10, 5)])
