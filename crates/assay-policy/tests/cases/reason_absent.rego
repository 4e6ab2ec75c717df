package cloudsmith

default match := false

match := true
