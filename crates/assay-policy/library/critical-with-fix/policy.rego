# Refuses vulnerabilities from a CVSS score on for which there is a fixed version.
package assay

import rego.v1

# settings of critical-with-fix

# CVSS score from which on it is refused (the highest that any source gives)
threshold := 9

# Severities that are refused where no source gives a score
unscored := {"CRITICAL"}

# Only vulnerabilities for which a fixed version is known
only_with_fix := true

# Vulnerabilities that do not count, by any of their ids
ignored := set()

# Packages that it does not look at: format:name or format:name:version, with *
exempt := set()

# Only in repositories with these names, with *; empty for all
repositories := set()

# end of settings

default match := false

match if {
	in_scope
	not exempted
	count(reason) > 0
}

reason contains sprintf("%s in %s %s: %s; %s", [found.identifier, found.package_name, found.package_version, weight, way_out(found.nearest_fixed, found.patched_versions)]) if {
	some found in input.v1.vulnerabilities
	weight := severe(found.score, found.severity)
	fixable(found.patched_versions)
	counts(found.identifier, found.aliases)
}

severe(score, _) := sprintf("CVSS %v", [score]) if {
	score != null
	score >= threshold
}

severe(score, severity) := severity if {
	score == null
	severity in unscored
}

fixable(_) if not only_with_fix

fixable(patched) if count(patched) > 0

way_out(nearest, _) := sprintf("upgrade to %s", [nearest]) if nearest != null

way_out(nearest, patched) := sprintf("fixed in %s", [concat(", ", patched)]) if {
	nearest == null
	count(patched) > 0
}

way_out(nearest, patched) := "no fixed version is known" if {
	nearest == null
	count(patched) == 0
}

counts(identifier, aliases) if count(ignored & {id | some id in array.concat([identifier], aliases)}) == 0

in_scope if count(repositories) == 0

in_scope if {
	some pattern in repositories
	glob.match(pattern, null, input.v1.repository.name)
}

exempted if {
	some pattern in exempt
	some name in own_names
	glob.match(pattern, null, name)
}

own_name := sprintf("%s:%s", [input.v1.format, input.v1["package"].name])

own_names := {own_name, sprintf("%s:%s", [own_name, input.v1["package"].version])}
