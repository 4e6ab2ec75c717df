package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%d %+d |%4s|%.1f", [-1, 2, "x", 7.04])
