package cloudsmith

default match := false

# Records of one vulnerability are grouped by id and alias; a fix must exist.
groups[id] contains record if {
	some record in input.v0.osv
	some id in {record.id} | {alias | some alias in record.aliases}
}

score(record) := max([severity.numerical_score | some severity in record.severity])

fixed(record) if record.affected[_].ranges[_].events[_].fixed

match if count(reason) > 0

reason contains sprintf("%s %v", [id, best]) if {
	some id, records in groups
	startswith(id, "CVE-")
	best := max({score(record) | some record in records})
	best >= 7
	some record in records
	fixed(record)
}
