# Refuses vulnerabilities that are known to be exploited, or likely to be soon.
package assay

import rego.v1

# settings of epss-kev

# EPSS score from which on it is refused (chance of being exploited within 30 days); 0: not looked at
score := 0.5

# EPSS percentile from which on it is refused; 0: not looked at
percentile := 0

# Whether what is in CISA's catalogue of known exploited vulnerabilities is refused
kev := true

# Of the catalogue, only what ransomware campaigns use
ransomware_only := false

# Only vulnerabilities for which a fixed version is known
only_with_fix := false

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

reason contains sprintf("%s in %s %s is exploited: in CISA's catalogue since %s%s; %s", [found.identifier, found.package_name, found.package_version, found.kev.date_added, ransomware(found.kev.ransomware), way_out(found.nearest_fixed)]) if {
	kev
	some found in input.v1.vulnerabilities
	used(found.kev.ransomware)
	counts(found.identifier, found.aliases, found.nearest_fixed)
}

reason contains sprintf("%s in %s %s has an EPSS score of %v; %s", [found.identifier, found.package_name, found.package_version, found.epss.score, way_out(found.nearest_fixed)]) if {
	score > 0
	some found in input.v1.vulnerabilities
	found.epss.score >= score
	counts(found.identifier, found.aliases, found.nearest_fixed)
}

reason contains sprintf("%s in %s %s has an EPSS percentile of %v; %s", [found.identifier, found.package_name, found.package_version, found.epss.percentile, way_out(found.nearest_fixed)]) if {
	percentile > 0
	some found in input.v1.vulnerabilities
	found.epss.percentile >= percentile
	counts(found.identifier, found.aliases, found.nearest_fixed)
}

used(_) if not ransomware_only

used(true) if ransomware_only

ransomware(true) := ", used by ransomware"

ransomware(false) := ""

counts(identifier, aliases, fixed) if {
	fixable(fixed)
	count(ignored & {id | some id in array.concat([identifier], aliases)}) == 0
}

fixable(_) if not only_with_fix

fixable(fixed) if fixed != null

way_out(fixed) := "no fixed version is known" if fixed == null

way_out(fixed) := sprintf("fixed in %s", [fixed]) if fixed != null

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
