package cloudsmith

match := "yes"
