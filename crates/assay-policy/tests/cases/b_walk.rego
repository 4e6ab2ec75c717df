package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := count([x | walk({"a": [1, 2]}, [p, x]); is_number(x)])
