# In repositories for production: only what was approved and has no grave findings.
package assay

import rego.v1

# settings of production-gate

# Label of the repositories that it guards
label := "environment"

# Value of that label
value := "production"

# Tags any of which says that a package was approved; empty: none is needed
approvals := {"approved"}

# CVSS score from which on a vulnerability is refused
threshold := 9

# Whether everything in it must have been read
complete := true

# Whether secrets of high severity are refused
secrets := true

# Packages that it does not look at: format:name or format:name:version, with *
exempt := set()

# end of settings

default match := false

match if {
	not exempted
	count(reason) > 0
}

reason contains sprintf("it is not approved for %s: none of its tags is %s", [value, concat(", ", sort(approvals))]) if {
	guarded
	count(approvals) > 0
	count(approvals & {tag | some tag in input.v1.tags}) == 0
}

reason contains sprintf("%s in %s %s: CVSS %v", [found.identifier, found.package_name, found.package_version, found.score]) if {
	guarded
	some found in input.v1.vulnerabilities
	found.score != null
	found.score >= threshold
}

reason contains sprintf("%s in %s %s is exploited", [found.identifier, found.package_name, found.package_version]) if {
	guarded
	some found in input.v1.vulnerabilities
	found.kev != null
}

reason contains sprintf("%s %s is malware: %s", [found.package_name, found.package_version, found.identifier]) if {
	guarded
	some found in input.v1.malware
}

reason contains sprintf("%s in %s, line %d", [found.title, found.path, found.first_line]) if {
	guarded
	secrets
	some found in input.v1.secrets
	found.severity in {"HIGH", "CRITICAL"}
}

reason contains "not everything in it could be read" if {
	guarded
	complete
	not input.v1.completeness.complete
}

guarded if input.v1.labels[label] == value

exempted if {
	some pattern in exempt
	some name in own_names
	glob.match(pattern, null, name)
}

own_name := sprintf("%s:%s", [input.v1.format, input.v1["package"].name])

own_names := {own_name, sprintf("%s:%s", [own_name, input.v1["package"].version])}
