package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := time.date(time.now_ns())
