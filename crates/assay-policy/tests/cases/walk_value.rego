package cloudsmith

default match := false

match if count(reason) > 0

reason contains concat("/", [$"{step}" | some step in path]) if {
	[path, value] := walk({"a": [{"b": "x"}], "c": "x"})
	value == "x"
}
