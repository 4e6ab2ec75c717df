package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := regex.match(`(?i)^PKG-\d+\.\w+$`, "pkg-12.tar")
