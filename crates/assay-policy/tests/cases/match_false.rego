package cloudsmith

default match := false

reason := "not shown"
