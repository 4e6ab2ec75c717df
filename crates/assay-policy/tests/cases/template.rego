package cloudsmith

default match := false

match if count(reason) > 0

found := [{"id": "CVE-1", "cvss": 9.8}, {"id": "CVE-2"}]

reason contains $"{v.id}: {v.cvss} of {count(found)} \{n}" if some v in found
