# Refuses what comes from badly kept projects, by OpenSSF Scorecard.
package assay

import rego.v1

# settings of maintenance

# Aggregate score below which it is refused; 0: not looked at
score := 3

# Scores of single checks below which it is refused, as in Dangerous-Workflow=5
checks := {}

# Whether projects are refused that are archived, or where nothing has happened for 90 days (Maintained is 0)
archived := false

# Whether packages are refused for whose project no result is known
unknown := false

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

reason contains sprintf("%s has an OpenSSF Scorecard of %v; %v is needed", [input.v1.scorecard.repository, input.v1.scorecard.score, score]) if {
	score > 0
	input.v1.scorecard.score < score
}

reason contains sprintf("%s has %v for %s; %v is needed", [input.v1.scorecard.repository, reached, check, least]) if {
	some check, least in checks
	reached := input.v1.scorecard.checks[check]
	reached >= 0
	reached < least
}

reason contains sprintf("%s is archived, or nothing has happened there for 90 days", [input.v1.scorecard.repository]) if {
	archived
	input.v1.scorecard.checks.Maintained == 0
}

reason contains sprintf("no OpenSSF Scorecard is known for %s", [input.v1["package"].name]) if {
	unknown
	input.v1.scorecard == null
}

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
