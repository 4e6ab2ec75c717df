package cloudsmith

default match := false

default word(_) := "unknown"

word(1) := "known"

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%s %s", [word(1), word(2)])
