package cloudsmith

match := x if some x in [true, false]
