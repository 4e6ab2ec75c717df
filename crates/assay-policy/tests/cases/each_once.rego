package cloudsmith

default match := false

match := true

reason contains sprintf("%d", [count([1 | some target in input.v0.security_scan; some _ in target.Vulnerabilities])])
