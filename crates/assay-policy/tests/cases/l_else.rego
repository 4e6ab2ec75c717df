package cloudsmith

default match := false

level(n) := "high" if {
	n >= 7
} else := "medium" if {
	n >= 4
} else := "low"

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := level(5)
