package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%s %s", [trim_suffix("abc.whl", ".whl"), trim_space(" x ")])
