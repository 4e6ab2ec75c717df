package cloudsmith

match if input.v0.package.name == "nothing"
