# Refuses vulnerabilities whose exploitation is said to be active.
package assay

import rego.v1

# settings of ssvc

# Exploit maturity from which on it is refused: active, or poc (there is a working example)
exploitation := "active"

# Only where an attack can be automated
only_automatable := false

# Only where an attacker gets full control
only_total := false

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

ranks := {"poc": 1, "active": 2}

reason contains sprintf("%s in %s %s: exploitation %s (SSVC)%s", [found.identifier, found.package_name, found.package_version, found.ssvc.exploitation, fix(found.nearest_fixed)]) if {
	some found in input.v1.vulnerabilities
	ranks[found.ssvc.exploitation] >= ranks[exploitation]
	automated(found.ssvc.automatable)
	grave(found.ssvc.technical_impact)
	counts(found.identifier, found.aliases)
}

automated(_) if not only_automatable

automated("yes") if only_automatable

grave(_) if not only_total

grave("total") if only_total

fix(version) := "" if version == null

fix(version) := sprintf("; fixed in %s", [version]) if version != null

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
