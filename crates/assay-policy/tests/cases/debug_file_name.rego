package cloudsmith

default match := false

match if regex.match(`(?i)(^|[-_.])(debug|test|tmp)([-_.]|$)`, input.v0.package.filename)
