package cloudsmith

default match := false

pairs := [["CVE-1", "a"], ["CVE-1", "b"]]

grouped[id] contains value if some [id, value] in pairs

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := grouped
