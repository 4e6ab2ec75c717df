package cloudsmith

default match := false

match if to_number("x") > 0

match if semver.compare("1.0", "not a version") < 0

match if 1 / 0 > 0

match if time.parse_rfc3339_ns("yesterday") > 0
