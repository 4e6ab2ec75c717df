package cloudsmith

default match := false

match if "approved" in input.v1.tags

reason contains concat(",", input.v1.tags) if match
