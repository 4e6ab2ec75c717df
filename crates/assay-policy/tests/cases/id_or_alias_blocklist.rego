package cloudsmith

default match := false

blocked := {"CVE-2018-18074"}

ids(record) := ({record.id} | {id | some id in record.aliases}) | {id | some id in record.upstream}

match if count(reason) > 0

reason contains record.id if {
	some record in input.v0.osv
	count(ids(record) & blocked) > 0
}
