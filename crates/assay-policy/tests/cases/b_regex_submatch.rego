package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := regex.find_all_string_submatch_n(`a(\d)`, "a1 a2 b3", -1)
