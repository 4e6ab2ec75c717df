package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %v", [glob.match("@acme/*", [], "@acme/tool"), glob.match("@acme/*", [], "@other/tool")])
