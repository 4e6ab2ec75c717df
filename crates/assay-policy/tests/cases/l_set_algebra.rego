package cloudsmith

default match := false

a := {1, 2}

b := {2, 3}

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%d %d %d", [count(a | b), count(a & b), count(a - b)])
