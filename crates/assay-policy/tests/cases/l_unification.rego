package cloudsmith

default match := false

b := x if [1, x] = [1, 2]

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := b
