package cloudsmith

default match := false

match if input.v0.package.name == input.v0["package"]["name"]
