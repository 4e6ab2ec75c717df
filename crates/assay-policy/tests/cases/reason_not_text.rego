package cloudsmith

default match := false

match := true

reason contains value if some value in [7, {"a": 1}]
