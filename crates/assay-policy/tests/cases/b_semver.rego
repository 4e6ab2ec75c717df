package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%d %d %d %v", [semver.compare("1.2.3", "1.10.0"), semver.compare("1.0.0", "1.0.0-rc.1"), semver.compare("1.0.0+a", "1.0.0+b"), semver.is_valid("1.2")])
