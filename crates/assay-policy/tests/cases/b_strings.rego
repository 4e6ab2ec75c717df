package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %v %v %s", [startswith("abc", "ab"), endswith("abc", "bc"), contains("abc", "b"), lower("ABC")])
