package cloudsmith

default match := false

shown := input.v0.package.name

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := shown with input.v0.package.name as "other"
