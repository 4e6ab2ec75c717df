package cloudsmith

default match := false

match if input.v0.model_security.scan_summary == "UNSAFE"
