package cloudsmith

default match := false

match if count(reason) > 0

reason[msg] if {
	some msg in ["b", "a"]
}
