package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := time.add_date(time.parse_rfc3339_ns("2024-02-02T00:00:00Z"), 0, 1, -1)
