package cloudsmith

default match := false

match if not input.v0.package.format in ["npm", "docker"]
