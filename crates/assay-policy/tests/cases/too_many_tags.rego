package cloudsmith

default match := false

match if count(input.v0.package.tags) > 5

reason contains sprintf("%d tags", [count(input.v0.package.tags)]) if match
