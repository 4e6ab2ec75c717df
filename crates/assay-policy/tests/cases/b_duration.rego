package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := time.parse_duration_ns("1h30m")
