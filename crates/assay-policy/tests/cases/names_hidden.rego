package cloudsmith

default match := false

match if count(reason) > 0

severity := "low"

tag := "t"

worst(vulnerability) := [severity |
	some other in [vulnerability, {"severity": "HIGH"}]
	some severity in [other.severity]
]

reason contains sprintf("%s %s %v", [tag, severity, rest]) if {
	some vulnerability in [{"severity": "CRITICAL", "tags": ["a", "b"]}]
	some severity in worst(vulnerability)
	some tag in vulnerability.tags
	tag != "b"
	rest := [severity | some severity in ["x", "y"]; severity != tag]
}
