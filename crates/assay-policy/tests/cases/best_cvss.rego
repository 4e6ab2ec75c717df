package cloudsmith

default match := false

order := ["CVSS_V4", "CVSS_V3", "CVSS_V2"]

best(record) := severity if {
	ranked := [s | some kind in order; some s in record.severity; s.type == kind; s.numerical_score]
	severity := ranked[0]
}

match if count(reason) > 0

reason contains sprintf("%s %s %v", [record.id, best(record).type, best(record).numerical_score]) if {
	some record in input.v0.osv
	best(record)
}
