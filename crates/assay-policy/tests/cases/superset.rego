package cloudsmith

default match := false

match if every key, value in input.v0 {
	same(key, value)
}

same("vulnerabilities", old) if count(old) == count(input.v1.vulnerabilities)

same(key, value) if input.v1[key] == value
