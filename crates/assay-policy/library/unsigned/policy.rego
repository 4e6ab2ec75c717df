# Refuses packages without a verified signature, or without a statement of how they were built.
package assay

import rego.v1

# settings of unsigned

# Formats that it looks at: oci, npm, pypi, ...
formats := {"oci"}

# Whether a signature is needed
signature := true

# Whether a statement of how it was built is needed
provenance := false

# Whether it must have been checked against a trusted key or identity, and hold
verified := true

# Who may have signed, with *; empty for anyone that is trusted
signers := set()

# Where it may have been built from, with *; empty for anywhere
sources := set()

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

reason contains sprintf("no signature came with %s", [input.v1["package"].name]) if {
	looked_at
	signature
	count(signed) == 0
}

reason contains sprintf("no statement of how %s was built came with it", [input.v1["package"].name]) if {
	looked_at
	provenance
	count(input.v1.provenance) == 0
}

reason contains sprintf("no signature counts: %s", [why_not(one)]) if {
	looked_at
	signature
	not trusted_signature
	some one in signed
}

reason contains sprintf("no statement of how it was built counts: %s", [why_not(one)]) if {
	looked_at
	provenance
	not trusted_provenance
	some one in input.v1.provenance
}

# What is itself a signature or statement about something, and nothing else, needs none.
looked_at if {
	input.v1.format in formats
	not speaks
}

speaks if input.v1.speaks_of != null

signed contains one if {
	some one in input.v1.signatures
	one.kind == "signature"
}

trusted_signature if {
	some one in signed
	holds(one)
	named(one)
}

trusted_provenance if {
	some one in input.v1.provenance
	holds(one)
	named(one)
	built_from(one)
}

holds(_) if not verified

holds(one) if one.verified == true

named(_) if count(signers) == 0

named(one) if {
	some pattern in signers
	glob.match(pattern, null, one.signer)
}

built_from(_) if count(sources) == 0

built_from(one) if {
	some pattern in sources
	glob.match(pattern, null, one.source)
}

why_not(one) := sprintf("%s could not be verified: %s", [one.form, one.detail]) if {
	not holds(one)
	one.detail != null
}

why_not(one) := sprintf("%s was not checked, as no trusted key or identity is configured for it", [one.form]) if {
	not holds(one)
	one.detail == null
}

why_not(one) := sprintf("%s is by %s, who is not among the signers", [one.form, one.signer]) if {
	holds(one)
	not named(one)
}

why_not(one) := sprintf("%s says that it was built from %s", [one.form, one.source]) if {
	holds(one)
	named(one)
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
